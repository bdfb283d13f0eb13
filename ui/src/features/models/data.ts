/** What the pages of models ask of the server. */
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { api, unwrap } from '@/api/client'
import { live } from '@/api/query'
import { filterOf, type Details, type Measured } from './models'

const PAGE = 50
const MEASURED_AT_ONCE = 100
const SLOWLY_MS = 5000
const KEY = 'models'

export function useModels(typed: string, order: 'name' | 'updated') {
  const orderBy = order === 'updated' ? ['last_updated_timestamp DESC'] : ['name']
  return useInfiniteQuery({
    queryKey: [KEY, 'search', typed, order],
    queryFn: ({ pageParam, signal }) => {
      const query = { filter: filterOf(typed), order_by: orderBy, max_results: PAGE, page_token: pageParam }
      return unwrap(api.GET('/api/v1/models', { params: { query }, signal }))
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_page_token,
    // One page is looked at; who has fetched many does not have all of them fetched again at every beat.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) < 2 ? live() : SLOWLY_MS),
    placeholderData: keepPreviousData,
  })
}

export function useModel(name: string) {
  return useQuery({
    queryKey: [KEY, 'one', name],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/models/{name}', { params: { path: { name } }, signal })),
    refetchInterval: live(),
  })
}

export function useVersions(name: string) {
  return useInfiniteQuery({
    queryKey: [KEY, 'versions', name],
    queryFn: ({ pageParam, signal }) => {
      const query = { order_by: ['version_number DESC'], max_results: PAGE, page_token: pageParam }
      return unwrap(api.GET('/api/v1/models/{name}/versions', { params: { path: { name }, query }, signal }))
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_page_token,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) < 2 ? live() : SLOWLY_MS),
  })
}

/** Params and metrics of some versions of a model. */
export function useMeasured(name: string, versions: readonly number[]) {
  return useQuery({
    queryKey: [KEY, 'measured', name, versions],
    enabled: versions.length > 0,
    queryFn: async ({ signal }): Promise<Measured[]> => {
      const found: Measured[] = []
      for (let start = 0; start < versions.length; start += MEASURED_AT_ONCE) {
        const query = { version: versions.slice(start, start + MEASURED_AT_ONCE) }
        const params = { path: { name }, query }
        found.push(...(await unwrap(api.GET('/api/v1/models/{name}/measured', { params, signal }))).items)
      }
      return found
    },
    refetchInterval: SLOWLY_MS,
    placeholderData: keepPreviousData,
  })
}

export function versionQuery(name: string, version: number) {
  return {
    queryKey: [KEY, 'version', name, version],
    queryFn: ({ signal }: { signal: AbortSignal }): Promise<Details> =>
      unwrap(api.GET('/api/v1/models/{name}/versions/{version}', { params: { path: { name, version } }, signal })),
  }
}

export function useVersion(name: string, version: number) {
  return useQuery({ ...versionQuery(name, version), refetchInterval: live() })
}

/** What was asked of the stages of a model's versions, or of one of them, the newest first. */
export function useRequests(name: string, version?: number) {
  return useQuery({
    queryKey: [KEY, 'requests', name, version],
    queryFn: ({ signal }) => {
      const query = { name, version, max_results: PAGE }
      return unwrap(api.GET('/api/v1/model-requests', { params: { query }, signal }))
    },
    refetchInterval: live(),
  }).data?.items
}

/** Have what was shown of models asked for again, after something was changed. */
export function useRefresh(): () => Promise<void> {
  const client = useQueryClient()
  return useCallback(() => refresh(client), [client])
}

function refresh(client: QueryClient): Promise<void> {
  return client.invalidateQueries({
    predicate: ({ queryKey }) => ['models', 'model-requests'].includes(String(queryKey[0])),
  })
}
