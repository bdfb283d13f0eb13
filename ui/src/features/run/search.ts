import { choice, text, type Query } from '@/api/search'

export const TABS = ['overview', 'charts', 'system', 'artifacts', 'logs', 'lineage'] as const
export type Tab = (typeof TABS)[number]

/** What the address of a run's page holds. How charts are shown stands there too, in words of their own. */
export interface RunSearch {
  tab?: Tab
  /** What params and metrics are searched for. */
  q?: string
  /** The file or folder that is looked at. */
  path?: string
  /** The log that is followed. */
  log?: string
}

export function readRunSearch(query: Query): RunSearch {
  return { tab: choice(query, 'tab', TABS), q: text(query, 'q'), path: text(query, 'path'), log: text(query, 'log') }
}
