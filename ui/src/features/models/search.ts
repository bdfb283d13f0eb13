import { choice, flag, list, text, type Query } from '@/api/search'

export const ORDERS = ['name', 'updated'] as const
export const VIEWS = ['cards', 'rows'] as const

export interface ModelsSearch {
  q?: string
  order?: (typeof ORDERS)[number]
  view?: (typeof VIEWS)[number]
}

export function readModelsSearch(query: Query): ModelsSearch {
  return { q: text(query, 'q'), order: choice(query, 'order', ORDERS), view: choice(query, 'view', VIEWS) }
}

export const MODEL_TABS = ['versions', 'card', 'requests'] as const

export interface ModelSearch {
  tab?: (typeof MODEL_TABS)[number]
  /** Numbers of versions, `1,2`: two or more are shown beside each other. */
  compare?: string
  /** Metrics that the table of versions shows; left out, the first few. */
  metrics?: string[]
  /** Metrics of which the smaller value is better although their names do not say so, or the other way round. */
  flipped?: string[]
  /** What is alike in all versions is shown too. */
  all?: true
  edit?: true
}

export function readModelSearch(query: Query): ModelSearch {
  return {
    tab: choice(query, 'tab', MODEL_TABS),
    compare: text(query, 'compare'),
    metrics: list(query, 'metrics'),
    flipped: list(query, 'flipped'),
    all: flag(query, 'all'),
    edit: flag(query, 'edit'),
  }
}

export const VERSION_TABS = ['overview', 'files', 'use', 'lineage'] as const

export interface VersionSearch {
  tab?: (typeof VERSION_TABS)[number]
  path?: string
}

export function readVersionSearch(query: Query): VersionSearch {
  return { tab: choice(query, 'tab', VERSION_TABS), path: text(query, 'path') }
}
