import type { Query } from '@/api/search'

export interface CompareSearch {
  /** Ids of runs, with commas between. */
  runs?: string
}

export function readCompareSearch(query: Query): CompareSearch {
  const { runs } = query
  return { runs: Array.isArray(runs) ? runs.join(',') : typeof runs === 'string' && runs !== '' ? runs : undefined }
}
