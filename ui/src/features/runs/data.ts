import {
  keepPreviousData,
  useQueries,
  useQuery,
  useQueryClient,
  type QueryClient,
  type UseQueryResult,
} from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { api, ApiError, unwrap, type Schemas } from '@/api/client'
import { live } from '@/api/query'
import { askedColumns, curveKeys, orderBy, toNumber, type Run, type RunColumns } from './columns'
import { asFilter } from './filter'
import type { RunsSearch } from './search'

export const PAGE = 100
/** Rows that are asked for before it is known how many are in view. */
const FIRST_VIEW = 40
const THROTTLE_MS = 60
const COUNT_MS = 5000
/** Pages that nobody looks at are forgotten soon: there may be a thousand. */
const KEPT_MS = 30_000
const CURVE_POINTS = 32
const FEW = 5000

/** Which runs a table is of: `columns` are those of the params, metrics and tags that are asked for. */
export interface RunSource {
  experimentId: string
  filter: string
  orderBy: string[]
  columns: string[]
  isDeleted: boolean
}

export function sourceOf(experimentId: string, search: RunsSearch, columnIds: string[]): RunSource {
  return {
    experimentId,
    filter: asFilter(search.q ?? ''),
    orderBy: orderBy(search.sort),
    columns: askedColumns(columnIds),
    isDeleted: search.deleted ?? false,
  }
}

/** The body of a search for a part of a source. */
export function bodyOf(source: RunSource, offset: number, most: number): Schemas['RunSearch'] {
  return {
    experiment_ids: [source.experimentId],
    filter: source.filter,
    view_type: source.isDeleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY',
    max_results: most,
    order_by: source.orderBy,
    columns: source.columns,
    offset,
    count: false,
  }
}

export interface RunRows {
  rowAt: (index: number) => Run | undefined
  /** How many runs there are, or as many as are known of, where `isExact` is false. */
  total: number
  isExact: boolean
  error: Error | null
  isLoading: boolean
  loaded: Run[]
  onView: (first: number, last: number) => void
}

/** The runs of a source, those in view fetched a page at a time and again for as long as they are in view. */
export function useRuns(source: RunSource | null): RunRows {
  const client = useQueryClient()
  const key = useMemo(() => ['runs', source?.experimentId, 'rows', source], [source])
  const name = JSON.stringify(source)
  const [view, setView] = useState({ of: name, first: 0, last: FIRST_VIEW })
  const onView = useThrottled((first: number, last: number) => setView({ of: name, first, last }), name)
  const { first, last } = view.of === name ? view : { first: 0, last: FIRST_VIEW }
  const pages = range(Math.floor(first / PAGE), Math.floor(last / PAGE))
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: [...key, page],
      enabled: source !== null,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        unwrap(api.POST('/api/v1/runs/search', { body: bodyOf(source!, page * PAGE, PAGE), signal })),
      // What was refused stays refused.
      refetchInterval: ({ state }: { state: { error: Error | null } }) => live(!isRefused(state.error)),
      gcTime: KEPT_MS,
    })),
  })
  const arrived = results.filter((each) => each.data)
  const isReady = arrived.length > 0
  const [shown, setShown] = useState(key)
  if (isReady && shown !== key) setShown(key)
  // Until the first of other runs are there, those of before stay: nothing flashes.
  const from = isReady ? key : shown
  const latest = Math.max(0, ...results.map((each) => each.dataUpdatedAt))
  const rowAt = useCallback(
    (index: number) => {
      const page = client.getQueryData<Schemas['Runs']>([...from, Math.floor(index / PAGE)])
      return page?.items[index % PAGE]
    },
    // Pages are read off the cache: `latest` says that there is something new in it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [client, from, latest],
  )
  const counted = useTotal(source)
  const { total, isExact } = totalOf(
    counted,
    pages,
    results.map((each) => each.data),
    knownRows(client, from),
  )
  const loaded = useMemo(
    () => range(first, Math.min(last, total - 1)).flatMap((index) => rowAt(index) ?? []),
    [first, last, total, rowAt],
  )
  return {
    rowAt,
    total,
    isExact,
    error: results.find((each) => each.error)?.error ?? null,
    isLoading: !isReady && shown === key && total === 0,
    loaded,
    onView,
  }
}

function isRefused(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 400
}

/** How many rows there are at least, by the pages that have come: one may have jumped to where none has yet. */
function knownRows(client: QueryClient, key: readonly unknown[]): number {
  const pages = client.getQueriesData<Schemas['Runs']>({ queryKey: key })
  return Math.max(0, ...pages.flatMap(([at, page]) => (page ? [(at.at(-1) as number) * PAGE + page.items.length] : [])))
}

function totalOf(
  counted: number | null | undefined,
  pages: number[],
  data: (Schemas['Runs'] | undefined)[],
  known: number,
): { total: number; isExact: boolean } {
  const end = data.findIndex((each) => each && each.items.length > 0 && each.items.length < PAGE)
  if (end >= 0) return { total: pages[end]! * PAGE + data[end]!.items.length, isExact: true }
  if (typeof counted === 'number') return { total: Math.max(counted, known), isExact: true }
  const isWhole = data.length > 0 && data.every((each) => each && !each.next_page_token)
  return { total: known + (isWhole || known === 0 ? 0 : PAGE), isExact: isWhole }
}

/** How many runs a source has; null while only known to be many. */
function useTotal(source: RunSource | null): number | null | undefined {
  const part = source && { ...source, orderBy: [], columns: ['tags.mlflow.parentRunId'] }
  const counted = useQuery({
    queryKey: ['runs', source?.experimentId, 'count', part],
    enabled: source !== null,
    queryFn: async ({ signal }) => {
      const body = { ...bodyOf(part!, 0, 1), count: true }
      return (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).total ?? null
    },
    refetchInterval: ({ state }) => (isRefused(state.error) ? false : COUNT_MS),
    placeholderData: keepPreviousData,
  })
  const isMany = counted.data === null && !counted.isPlaceholderData
  const all = useQuery({
    queryKey: ['runs', source?.experimentId, 'count of many', part],
    enabled: isMany,
    queryFn: async ({ signal }) =>
      (await unwrap(api.POST('/api/v1/runs/groups', { body: groupsBody(part!), signal }))).runs,
    staleTime: 60_000,
  })
  return isMany ? all.data : counted.data
}

function groupsBody(source: RunSource): Schemas['RunGroupQuery'] {
  const view = source.isDeleted ? ('DELETED_ONLY' as const) : ('ACTIVE_ONLY' as const)
  return {
    experiment_ids: [source.experimentId],
    filter: source.filter,
    view_type: view,
    by: [],
    metrics: [],
    max_results: 1,
  }
}

/** The params, metrics and tags that an experiment's runs have. */
export function useRunColumns(experimentId: string): RunColumns | undefined {
  return useQuery({
    queryKey: ['runs', experimentId, 'columns'],
    queryFn: ({ signal }) =>
      unwrap(api.POST('/api/v1/runs/columns', { body: { experiment_ids: [experimentId] }, signal })),
    refetchInterval: COUNT_MS,
  }).data
}

/** Groups of all runs of a source, with figures of some metrics. */
export function useGroups(source: RunSource, by: string[], metrics: string[]): UseQueryResult<Schemas['RunGroups']> {
  return useQuery({
    queryKey: ['runs', source.experimentId, 'groups', source.filter, source.isDeleted, by, metrics],
    queryFn: ({ signal }) => {
      const body = { ...groupsBody(source), by, metrics, max_results: 1000 }
      return unwrap(api.POST('/api/v1/runs/groups', { body, signal }))
    },
    // To look at every run of very many again and again would keep the server busy.
    refetchInterval: ({ state }) => ((state.data?.runs ?? 0) > FEW ? false : COUNT_MS),
    placeholderData: (before, query) =>
      JSON.stringify(query?.queryKey.slice(-2)) === JSON.stringify([by, metrics]) ? before : undefined,
  })
}

export interface Curve {
  values: number[]
  min: number
  max: number
}

/** Short curves of the runs in view, by run and key: the least and the greatest value are always in them. */
export function useCurves(runs: Run[], columnIds: string[]): Map<string, Curve> {
  const keys = curveKeys(columnIds)
  const ids = runs.map((each) => each.run_id)
  const isRunning = runs.some((each) => each.status === 'RUNNING')
  const { data } = useQuery({
    queryKey: ['curves', keys, ids],
    enabled: keys.length > 0 && ids.length > 0,
    queryFn: async ({ signal }) => {
      const body = { keys, run_ids: ids, groups: {}, x: 'step' as const, points: CURVE_POINTS }
      return curvesOf(await unwrap(api.POST('/api/v1/runs/metrics:series', { body, signal })))
    },
    refetchInterval: live(isRunning),
    placeholderData: keepPreviousData,
    gcTime: KEPT_MS,
  })
  return data ?? NO_CURVES
}

const NO_CURVES = new Map<string, Curve>()

function curvesOf(found: Schemas['MetricSeries']): Map<string, Curve> {
  return new Map(
    (found.series ?? []).map((each) => {
      const values = each.values.map(Number)
      const numbers = values.filter((value) => !Number.isNaN(value))
      const edge = (of: (...numbers: number[]) => number) => (numbers.length > 0 ? toNumber(of(...numbers)) : NaN)
      const curve = { values, min: edge(Math.min), max: edge(Math.max) }
      return [`${each.run_id} ${each.key}`, curve]
    }),
  )
}

/** Call at once, then at most every so often, and at last with what came last; `name` makes a new beginning. */
function useThrottled<A extends unknown[]>(call: (...args: A) => void, name: string): (...args: A) => void {
  const latest = useRef(call)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const waiting = useRef<A | null>(null)
  useEffect(() => {
    latest.current = call
  })
  useEffect(
    () => () => {
      clearTimeout(timer.current)
      timer.current = undefined
      waiting.current = null
    },
    [name],
  )
  return useCallback(
    (...args: A) => {
      if (timer.current !== undefined) {
        waiting.current = args
        return
      }
      latest.current(...args)
      const again = () => {
        timer.current = undefined
        const next = waiting.current
        waiting.current = null
        if (!next) return
        latest.current(...next)
        timer.current = setTimeout(again, THROTTLE_MS)
      }
      timer.current = setTimeout(again, THROTTLE_MS)
    },
    // A new beginning is told to whoever calls this.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [name],
  )
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place)
}

const COMMONEST = 200
const GROUPABLE = /^(params|tags)\.|^attributes\.(status|user_id)$/

/** The values that the runs of an experiment have in a column, the commonest first; none of what is no text. */
export async function findValues(experimentId: string, columnId: string): Promise<string[]> {
  if (!GROUPABLE.test(columnId)) return []
  const asked = { by: [columnId], metrics: [], filter: '', max_results: COMMONEST }
  const body = { experiment_ids: [experimentId], view_type: 'ACTIVE_ONLY' as const, ...asked }
  const { items } = await unwrap(api.POST('/api/v1/runs/groups', { body }))
  return items.flatMap(({ values: [value] }) => (value ? [value] : []))
}
