import { text, type Query } from '@/api/search'

export interface LineageSearch {
  of?: string
}

export function readLineageSearch(query: Query): LineageSearch {
  return { of: text(query, 'of') }
}
