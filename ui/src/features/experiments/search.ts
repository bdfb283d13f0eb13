import { choice, flag, list, text, type Query } from '@/api/search'

export const SORTS = ['name', 'updated'] as const
export type Sort = (typeof SORTS)[number]

/** What the address of the experiments holds; `open` are the folders that are open. */
export interface ExperimentsSearch {
  q?: string
  open?: string[]
  sort?: Sort
  deleted?: true
}

export function readExperimentsSearch(query: Query): ExperimentsSearch {
  return {
    q: text(query, 'q'),
    open: list(query, 'open'),
    sort: choice(query, 'sort', SORTS),
    deleted: flag(query, 'deleted'),
  }
}
