import { useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo } from 'react'
import { choice, list, text, type Query } from '@/api/search'

/** How charts are shown. It stands in the address as `chart.x=time&chart.smooth=0.6…`, whatever page they are on. */
export interface ChartSettings {
  x: XAxis
  /** Weight of the exponential moving average, 0 (none) to 0.99. */
  smooth: number
  log: Log
  /** Panels beside each other, 0 for as many as fit. */
  columns: number
  height: Height
  band: BandKind
  find: string
  hide: string[]
  order: string[]
  /** Sections that are not as they are at first: open, and closed for the machine's own. */
  fold: string[]
  /** The panel that fills the window. */
  panel: string
  /** The part of the x axis that is looked at. */
  from: number | null
  to: number | null
}

export const X_AXES = ['step', 'time', 'relative'] as const
export const LOGS = ['none', 'y', 'x', 'xy'] as const
export const HEIGHTS = ['low', 'middle', 'high'] as const
export const BANDS = ['std', 'range', 'none'] as const
export type XAxis = (typeof X_AXES)[number]
export type Log = (typeof LOGS)[number]
export type Height = (typeof HEIGHTS)[number]
export type BandKind = (typeof BANDS)[number]

export const MAX_COLUMNS = 4
const MAX_SMOOTH = 0.99
const PREFIX = 'chart.'
const DEFAULTS: ChartSettings = {
  x: 'step',
  smooth: 0,
  log: 'none',
  columns: 0,
  height: 'middle',
  band: 'std',
  find: '',
  hide: [],
  order: [],
  fold: [],
  panel: '',
  from: null,
  to: null,
}
/** What is of the moment, and not kept for the next visit. */
const PASSING = new Set(['find', 'panel', 'from', 'to'])

export function readSettings(query: Query): ChartSettings {
  const at = (key: keyof ChartSettings) => PREFIX + key
  const number = (key: keyof ChartSettings, low: number, high: number) => {
    const value = query[at(key)]
    return typeof value === 'number' && value >= low && value <= high ? value : null
  }
  return {
    x: choice(query, at('x'), X_AXES) ?? DEFAULTS.x,
    smooth: number('smooth', 0, MAX_SMOOTH) ?? DEFAULTS.smooth,
    log: choice(query, at('log'), LOGS) ?? DEFAULTS.log,
    columns: Math.trunc(number('columns', 0, MAX_COLUMNS) ?? DEFAULTS.columns),
    height: choice(query, at('height'), HEIGHTS) ?? DEFAULTS.height,
    band: choice(query, at('band'), BANDS) ?? DEFAULTS.band,
    find: text(query, at('find')) ?? DEFAULTS.find,
    hide: list(query, at('hide')) ?? DEFAULTS.hide,
    order: list(query, at('order')) ?? DEFAULTS.order,
    fold: list(query, at('fold')) ?? DEFAULTS.fold,
    panel: text(query, at('panel')) ?? DEFAULTS.panel,
    from: number('from', -Infinity, Infinity),
    to: number('to', -Infinity, Infinity),
  }
}

/** Return what of the settings differs from the defaults, as the address has it; undefined for what does not. */
export function writeSettings(settings: ChartSettings): Query {
  const keys = Object.keys(DEFAULTS) as (keyof ChartSettings)[]
  const isDefault = (key: keyof ChartSettings) => JSON.stringify(settings[key]) === JSON.stringify(DEFAULTS[key])
  return Object.fromEntries(keys.map((key) => [PREFIX + key, isDefault(key) ? undefined : settings[key]]))
}

export type ChangeSettings = (change: Partial<ChartSettings>, options?: { replace?: boolean }) => void

/** The settings in the address; where it has none, those that were last used for `view`, which it then has. */
export function useChartSettings(view: string): [ChartSettings, ChangeSettings] {
  const query: Query = useSearch({ strict: false })
  const navigate = useNavigate()
  const router = useRouter()
  const settings = useMemo(() => readSettings(query), [query])
  const kept = `mainspring.charts.${view}`

  const change = useCallback<ChangeSettings>(
    (changes, { replace = true } = {}) => {
      const latest = readSettings(router.latestLocation.search)
      const next = writeSettings({ ...latest, ...changes })
      const stays = Object.entries(next).filter(([key]) => !PASSING.has(key.slice(PREFIX.length)))
      localStorage.setItem(kept, JSON.stringify(Object.fromEntries(stays)))
      void navigate({ to: '.', search: (old: Query) => ({ ...old, ...next }), replace, resetScroll: false } as never)
    },
    [router, navigate, kept],
  )

  const isBare = !Object.keys(query).some((key) => key.startsWith(PREFIX))
  useEffect(() => {
    const found = isBare && readKept(kept)
    if (found) change(readSettings(found))
    // Only when the charts are opened: later an address without settings is one that was chosen.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [kept])
  return [settings, change]
}

function readKept(key: string): Query | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return typeof found === 'object' ? (found as Query | null) : null
  } catch {
    return null
  }
}
