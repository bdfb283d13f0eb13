import { useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { choice, flag, list, text, whole, type Query } from '@/api/search'

/** How runs are compared. It stands in the address as `compare.part=scatter…`, whatever page the comparison is on. */
export interface CompareSettings {
  part: Part
  /** Show what is the same in all runs too. */
  all?: true
  find?: string
  /** Params and metrics, such as `params.lr`: the axes of the parallel coordinates, and of the planes. */
  axes?: string[]
  x?: string
  y?: string
  color?: string
  /** What is looked at of axes: from and to, each 0 (lower end) to 1. */
  brush: Record<string, [number, number]>
  image?: string
  step?: number
}

export const PARTS = ['differences', 'parallel', 'scatter', 'contour', 'charts', 'images'] as const
export type Part = (typeof PARTS)[number]
const PREFIX = 'compare.'

export function readCompareSettings(all: Query): CompareSettings {
  const found = Object.entries(all).filter(([key]) => key.startsWith(PREFIX))
  const query: Query = Object.fromEntries(found.map(([key, value]) => [key.slice(PREFIX.length), value]))
  return {
    part: choice(query, 'part', PARTS) ?? 'differences',
    all: flag(query, 'all'),
    find: text(query, 'find'),
    axes: list(query, 'axes'),
    x: text(query, 'x'),
    y: text(query, 'y'),
    color: text(query, 'color'),
    brush: readBrush(query.brush),
    image: text(query, 'image'),
    step: whole(query, 'step'),
  }
}

function readBrush(value: unknown): CompareSettings['brush'] {
  if (typeof value !== 'object' || value === null) return {}
  const isSpan = (span: unknown): span is [number, number] =>
    Array.isArray(span) && span.length === 2 && span.every((each) => typeof each === 'number' && each >= 0 && each <= 1)
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, [number, number]] => isSpan(entry[1])),
  )
}

export type ChangeCompare = (change: Partial<CompareSettings>, options?: { replace?: boolean }) => void

export function useCompareSettings(): [CompareSettings, ChangeCompare] {
  const query: Query = useSearch({ strict: false })
  const navigate = useNavigate()
  const router = useRouter()
  const settings = useMemo(() => readCompareSettings(query), [query])
  const change = useCallback<ChangeCompare>(
    (changes, { replace = true } = {}) => {
      const next = { ...readCompareSettings(router.latestLocation.search), ...changes }
      const written = Object.entries(next).map(([key, value]) => [
        PREFIX + key,
        isEmpty(key, value) ? undefined : value,
      ])
      const search = (old: Query) => ({ ...old, ...Object.fromEntries(written) })
      void navigate({ to: '.', search, replace, resetScroll: false } as never)
    },
    [router, navigate],
  )
  return [settings, change]
}

function isEmpty(key: string, value: unknown): boolean {
  if (key === 'part') return value === 'differences'
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}
