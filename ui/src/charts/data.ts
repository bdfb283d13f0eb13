import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api, ApiError, unwrap, type Schemas } from '@/api/client'
import { live } from '@/api/query'
import { makeCurve, type Band, type Curve } from './curves'
import type { ChartSettings, XAxis } from './settings'

export type Run = Schemas['Run']

const SEARCHED = 500
/** What the server gives at most in one answer, and of one curve. */
const MAX_ANSWER = 500_000
const MAX_POINTS = 10_000
const MIN_POINTS = 4
/** Old windows of a chart are forgotten soon: each may hold hundreds of thousands of points. */
const KEPT_MS = 20_000

/** Which experiment a run is of: that never changes. */
const experiments = new Map<string, string>()

/** Return runs by their ids, deleted ones too, in the order asked for; what is not there is left out. */
export async function fetchRuns(ids: string[], columns: string[], signal: AbortSignal): Promise<Run[]> {
  const found = new Map<string, Run>()
  let left = ids
  while (left.length > 0) {
    const experiment = await experimentOf(left[0]!, signal)
    const page = experiment ? await searchRuns(experiment, left.slice(0, SEARCHED), columns, signal) : []
    for (const run of page) {
      found.set(run.run_id, run)
      experiments.set(run.run_id, run.experiment_id)
    }
    left = left.slice(1).filter((id) => !found.has(id))
  }
  return ids.flatMap((id) => found.get(id) ?? [])
}

async function experimentOf(id: string, signal: AbortSignal): Promise<string | undefined> {
  const known = experiments.get(id)
  if (known) return known
  try {
    const path = { run_id: id }
    return (await unwrap(api.GET('/api/v1/runs/{run_id}', { params: { path }, signal }))).experiment_id
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

async function searchRuns(experiment: string, ids: string[], columns: string[], signal: AbortSignal): Promise<Run[]> {
  const named = ids.map((id) => `'${id.replaceAll("'", '')}'`).join(',')
  const body = {
    experiment_ids: [experiment],
    filter: `attributes.run_id IN (${named})`,
    view_type: 'ALL' as const,
    max_results: ids.length,
    offset: 0,
    count: false,
    columns,
  }
  return (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).items
}

/** What charts know of runs: which metrics they have, and when they started. Those that run are asked again. */
export function useRunMetrics(settled: string[], running: string[]) {
  const query = (ids: string[], isLive: boolean) => ({
    queryKey: ['run-metrics', ids],
    queryFn: ({ signal }: { signal: AbortSignal }) => fetchRuns(ids, ['metrics'], signal),
    enabled: ids.length > 0,
    refetchInterval: live(isLive),
    placeholderData: keepPreviousData,
  })
  const still = useQuery(query(settled, false))
  const moving = useQuery(query(running, true))
  const keys = useKeys([still.data, moving.data])
  const starts = useStarts([still.data, moving.data])
  const isPending = (settled.length > 0 && still.isPending) || (running.length > 0 && moving.isPending)
  return { keys, starts, isPending, error: still.error ?? moving.error, refetch: still.refetch }
}

function useKeys(pages: (Run[] | undefined)[]): string[] {
  const keys = new Set(pages.flatMap((page) => page?.flatMap((run) => run.metrics?.map(({ key }) => key) ?? []) ?? []))
  // The same array as before for as long as the same keys are in it.
  const text = JSON.stringify([...keys].sort())
  return useMemo(() => JSON.parse(text) as string[], [text])
}

function useStarts(pages: (Run[] | undefined)[]): Map<string, number> {
  const text = JSON.stringify(pages.flatMap((page) => page?.map((run) => [run.run_id, run.started_at ?? 0]) ?? []))
  return useMemo(() => new Map(JSON.parse(text) as [string, number][]), [text])
}

export type Window = Pick<ChartSettings, 'x' | 'from' | 'to'>

interface Wanted extends Window {
  metric: string
  starts: Map<string, number>
  points: number
}

/** Return how many points of a curve are wanted for a width in pixels: a least and a greatest each two pixels. */
export function pointsFor(width: number, curves: number): number {
  const wanted = Math.ceil(width / 100) * 100
  return Math.max(MIN_POINTS, Math.min(wanted, MAX_POINTS, Math.floor(MAX_ANSWER / Math.max(1, curves))))
}

function windowOf({ x, from, to }: Window): { x: XAxis; start: number | null; end: number | null } {
  return { x, start: from === null ? null : Math.floor(from), end: to === null ? null : Math.ceil(to) }
}

export async function fetchCurves(ids: string[], wanted: Wanted, signal?: AbortSignal): Promise<Curve[]> {
  const body = { keys: [wanted.metric], run_ids: ids, points: wanted.points, ...windowOf(wanted) }
  const { series = [] } = await unwrap(api.POST('/api/v1/runs/metrics:series', { body, signal }))
  return series.map((each) => {
    const start = wanted.starts.get(each.run_id) ?? each.timestamps[0] ?? 0
    const places = { step: (step: number) => step, time: (_: number, time: number) => time }
    const xOf = wanted.x === 'relative' ? (_: number, time: number) => time - start : places[wanted.x]
    return makeCurve(each.run_id, each, xOf)
  })
}

export async function fetchBands(
  groups: Record<string, string[]>,
  wanted: Omit<Wanted, 'starts'>,
  signal?: AbortSignal,
): Promise<Band[]> {
  const body = { keys: [wanted.metric], groups, points: wanted.points, ...windowOf(wanted) }
  const answer = await unwrap(api.POST('/api/v1/runs/metrics:series', { body, signal }))
  return (answer.groups ?? []).map(({ group, x, runs, mean, std, min, max }) => ({
    id: group,
    runs,
    xs: Float64Array.from(x),
    mean: Float64Array.from(mean),
    std: Float64Array.from(std),
    min: Float64Array.from(min),
    max: Float64Array.from(max),
  }))
}

const SHARED = { placeholderData: keepPreviousData, gcTime: KEPT_MS, structuralSharing: false } as const

interface Shown {
  /** What the curves lie over: that of before, while another axis is waited for. */
  x: XAxis
  curves: Curve[]
  bands: Band[]
  isPending: boolean
  isLate: boolean
  error: Error | null
  retry: () => unknown
}

const NONE: never[] = []

/** Curves of one metric: of what is finished once, of what runs again and again. */
export function useCurves(settled: string[], running: string[], wanted: Wanted, isOn: boolean): Shown {
  const { metric, x, from, to, points } = wanted
  const query = (ids: string[], isLive: boolean) => ({
    ...SHARED,
    queryKey: ['curves', metric, x, from, to, points, ids],
    queryFn: async ({ signal }: { signal: AbortSignal }) => ({ x, curves: await fetchCurves(ids, wanted, signal) }),
    enabled: isOn && ids.length > 0,
    refetchInterval: live(isLive),
  })
  const still = useQuery(query(settled, false))
  const moving = useQuery(query(running, true))
  const [first, second] = [settled.length ? still.data : undefined, running.length ? moving.data : undefined]
  const shown = first?.x ?? second?.x ?? x
  const curves = useMemo(
    () => [first, second].flatMap((page) => (isOn && page?.x === shown ? page.curves : [])),
    [isOn, shown, first, second],
  )
  return {
    x: shown,
    curves,
    bands: NONE,
    isPending: (settled.length > 0 && still.isPending) || (running.length > 0 && moving.isPending),
    isLate: still.isPlaceholderData || moving.isPlaceholderData,
    error: still.error ?? moving.error,
    retry: still.refetch,
  }
}

/** Bands of one metric, a group each. */
export function useBands(groups: Record<string, string[]>, isLive: boolean, wanted: Wanted, isOn: boolean): Shown {
  const { metric, x, from, to, points } = wanted
  const { data, isPending, isPlaceholderData, error, refetch } = useQuery({
    ...SHARED,
    queryKey: ['bands', metric, x, from, to, points, groups],
    queryFn: async ({ signal }) => ({ x, bands: await fetchBands(groups, wanted, signal) }),
    enabled: isOn,
    refetchInterval: live(isLive),
  })
  const bands = data?.bands ?? NONE
  return { x: data?.x ?? x, curves: NONE, bands, isPending, isLate: isPlaceholderData, error, retry: refetch }
}
