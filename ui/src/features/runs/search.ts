import { choice, flag, list, text, whole, type Query } from '@/api/search'

export const TABS = ['table', 'charts', 'compare', 'notes'] as const
export type Tab = (typeof TABS)[number]

/** What the address of an experiment's page holds; columns are such as `params.lr`, `metrics.loss`, `curve.loss`. */
export interface RunsSearch {
  tab?: Tab
  /** MLflow's filter, or a part of a name. */
  q?: string
  /** The column to sort by, with `-` before it for the greatest first. */
  sort?: string
  cols?: string[]
  pin?: string[]
  /** The widths of columns that were changed, in px. */
  w?: Record<string, number>
  group?: string[]
  /** Runs that charts leave out. */
  hidden?: string[]
  /** Selected runs. */
  sel?: string[]
  deleted?: true
  /** The first row in view. */
  at?: number
}

/** What of it a saved view keeps. */
export type RunsView = Pick<RunsSearch, 'q' | 'sort' | 'cols' | 'pin' | 'w' | 'group'>

export function readRunsSearch(query: Query): RunsSearch {
  return {
    tab: choice(query, 'tab', TABS),
    ...readView(query),
    hidden: list(query, 'hidden'),
    sel: list(query, 'sel'),
    deleted: flag(query, 'deleted'),
    at: whole(query, 'at'),
  }
}

export function readView(query: Query): RunsView {
  return {
    q: text(query, 'q'),
    sort: text(query, 'sort'),
    cols: list(query, 'cols'),
    pin: list(query, 'pin'),
    w: widths(query.w),
    group: list(query, 'group'),
  }
}

function widths(value: unknown): Record<string, number> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const found = Object.entries(value).filter(([, each]) => typeof each === 'number' && each > 0 && each < 4000)
  return found.length > 0 ? (Object.fromEntries(found) as Record<string, number>) : undefined
}
