import { choice, text, type Query } from '@/api/search'

/** What the lists of the administration are narrowed to. */
export interface AdminSearch {
  q?: string
  actor?: string
  action?: string
  allowed?: 'true' | 'false'
  /** The document, webhook, group or event that is open. */
  open?: string
  environment?: string
  instance?: 'true'
}

export function readAdminSearch(query: Query): AdminSearch {
  const words = ['q', 'actor', 'action', 'open', 'environment'] as const
  return {
    ...Object.fromEntries(words.map((key) => [key, text(query, key)])),
    allowed: choice(query, 'allowed', ['true', 'false'] as const),
    instance: choice(query, 'instance', ['true'] as const),
  }
}
