import { queryOptions } from '@tanstack/react-query'
import { request, type Schemas } from '@/api/client'
import type { CatalogSearch, Facet } from './search'

/** The STAC API of the catalog, as the page needs it (docs/how-to/search-the-catalog.md). */

export type Readme = Schemas['Readme']

export interface StacLink {
  rel: string
  href: string
  type?: string
  title?: string
}

export interface StacAsset {
  href: string
  type?: string
  title?: string
  description?: string
  roles?: string[]
  'file:size'?: number
  'file:checksum'?: string
}

export type Position = [number, number]

export interface StacItem {
  id: string
  collection: string
  bbox?: number[]
  geometry: { type: string; coordinates: unknown } | null
  properties: Record<string, unknown>
  links: StacLink[]
  assets: Record<string, StacAsset>
}

export interface ItemPage {
  features: StacItem[]
  links: StacLink[]
  numberMatched: number
}

export interface Collection {
  id: string
  title?: string
  description?: string
}

export interface Bucket {
  key: string
  frequency: number
}

const ROOT = '/api/v1/stac'
const PAGE = 24
const MINUTE_MS = 60_000

/** What each facet is called as an aggregation, and as a property of items. */
const FACET_NAMES: Record<Facet, [string, string]> = {
  license: ['license_frequency', 'license'],
  keyword: ['keyword_frequency', 'keywords'],
  task: ['task_frequency', '"mlm:tasks"'],
  framework: ['framework_frequency', '"mlm:framework"'],
}

/** What is asked for, as the fields of a STAC search. */
export function searchFields(search: CatalogSearch): URLSearchParams {
  const fields = new URLSearchParams()
  if (search.q) fields.set('q', search.q)
  if (search.collection) fields.set('collections', search.collection)
  if (search.bbox) fields.set('bbox', search.bbox)
  if (search.from ?? search.to) fields.set('datetime', `${begin(search.from)}/${end(search.to)}`)
  const conditions = Object.entries(FACET_NAMES).flatMap(([facet, [, property]]) => {
    const value = search[facet as Facet]
    return value ? [`${property} = '${value.replaceAll("'", "''")}'`] : []
  })
  if (conditions.length) fields.set('filter', conditions.join(' AND '))
  return fields
}

function begin(date: string | undefined): string {
  return date ? `${date}T00:00:00Z` : '..'
}

function end(date: string | undefined): string {
  return date ? `${date}T23:59:59Z` : '..'
}

export function findItems(search: CatalogSearch) {
  const fields = searchFields(search)
  fields.set('limit', String(PAGE))
  fields.set('sortby', search.order ?? '-updated')
  if (search.token) fields.set('token', search.token)
  return queryOptions({
    queryKey: ['stac', 'search', fields.toString()],
    queryFn: ({ signal }) => ask<ItemPage>(`/search?${fields}`, signal),
  })
}

/** How many items each value of each facet has, of those that are found. */
export function countFacets(search: CatalogSearch) {
  const fields = searchFields(search)
  fields.set('aggregations', ['collection_frequency', ...Object.values(FACET_NAMES).map(([name]) => name)].join(','))
  return queryOptions({
    queryKey: ['stac', 'facets', fields.toString()],
    queryFn: async ({ signal }) => {
      const { aggregations } = await ask<{ aggregations: { name: string; buckets?: Bucket[] }[] }>(
        `/aggregate?${fields}`,
        signal,
      )
      return new Map(aggregations.map(({ name, buckets }) => [name, buckets ?? []]))
    },
  })
}

export function facetBuckets(counts: Map<string, Bucket[]> | undefined, facet: Facet): Bucket[] {
  return counts?.get(FACET_NAMES[facet][0]) ?? []
}

export const collectionsQuery = queryOptions({
  queryKey: ['stac', 'collections'],
  queryFn: async ({ signal }) => (await ask<{ collections: Collection[] }>('/collections', signal)).collections,
  staleTime: MINUTE_MS,
})

export function itemQuery(collection: string, id: string) {
  return queryOptions({
    queryKey: ['stac', 'item', collection, id],
    queryFn: ({ signal }) =>
      ask<StacItem>(`/collections/${encodeURIComponent(collection)}/items/${encodeURIComponent(id)}`, signal),
  })
}

async function ask<T>(path: string, signal: AbortSignal): Promise<T> {
  return (await (await request(ROOT + path, { signal })).json()) as T
}

/** The token of the page beside this one, undefined where there is none. */
export function tokenOf(page: ItemPage, rel: 'next' | 'prev'): string | undefined {
  const link = page.links.find((each) => each.rel === rel || (rel === 'prev' && each.rel === 'previous'))
  return link ? (new URL(link.href, window.location.origin).searchParams.get('token') ?? undefined) : undefined
}

export function textOf(item: StacItem, key: string): string {
  const value = item.properties[key]
  return typeof value === 'string' ? value : ''
}

/** The path of the project that an item is. */
export function projectOf(item: StacItem): string {
  return textOf(item, 'sharinghub:path')
}

/** A picture of the item that this server has, null where it is elsewhere: no other host is asked by this page. */
export function previewOf(item: StacItem): string | null {
  const roles = ['thumbnail', 'overview']
  const asset = Object.values(item.assets).find((each) => each.roles?.some((role) => roles.includes(role)))
  const link = item.links.find((each) => each.rel === 'preview')
  const href = asset?.href ?? link?.href
  return href && new URL(href, window.location.origin).origin === window.location.origin ? href : null
}
