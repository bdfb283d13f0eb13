import { choice, text, type Query } from '@/api/search'

export const ORDERS = ['-updated', '-sharinghub:stars', 'title', '-datetime'] as const
export const FACETS = ['license', 'keyword', 'task', 'framework'] as const
export type Facet = (typeof FACETS)[number]

/** What the catalog is searched for. `bbox` is `west,south,east,north` in degrees, `from` and `to` are dates. */
export interface CatalogSearch {
  q?: string
  collection?: string
  license?: string
  keyword?: string
  task?: string
  framework?: string
  bbox?: string
  from?: string
  to?: string
  order?: (typeof ORDERS)[number]
  token?: string
  map?: 'on'
}

export function readCatalogSearch(query: Query): CatalogSearch {
  const words = ['q', 'collection', 'license', 'keyword', 'task', 'framework', 'token'] as const
  const date = (key: string) => text(query, key)?.match(/^\d{4}-\d{2}-\d{2}$/)?.[0]
  return {
    ...Object.fromEntries(words.map((key) => [key, text(query, key)])),
    bbox: text(query, 'bbox')?.match(/^(-?\d+(\.\d+)?,){3}-?\d+(\.\d+)?$/)?.[0],
    from: date('from'),
    to: date('to'),
    order: choice(query, 'order', ORDERS),
    map: choice(query, 'map', ['on'] as const),
  }
}

export const TABS = ['about', 'files', 'lineage', 'metadata'] as const

export interface ItemSearch {
  tab?: (typeof TABS)[number]
}

export function readItemSearch(query: Query): ItemSearch {
  return { tab: choice(query, 'tab', TABS) }
}
