import { useMemo } from 'react'
import { runColor } from './colors'
import { extentOf, padded, smoothed, type Band, type Curve, type Extent } from './curves'
import { edgesOf, type Picture } from './draw'
import type { ChartSettings } from './settings'

const GROUP_COLORS = 10

export function groupColor(index: number): string {
  return `var(--c${(index % GROUP_COLORS) + 1})`
}

type Shown = Pick<ChartSettings, 'smooth' | 'log' | 'band' | 'from' | 'to'>

/** Work out what a panel shows; null where there is no number to be shown. */
export function usePicture(
  curves: Curve[],
  bands: Band[],
  names: Map<string, string>,
  groups: string[],
  { smooth, log, band, from, to }: Shown,
): Picture | null {
  return useMemo(() => {
    const isLogX = log.includes('x')
    const isLogY = log.includes('y')
    const lines = curves.map((curve) => ({
      ...curve,
      name: names.get(curve.id) ?? curve.id,
      color: runColor(curve.id),
      smooth: smooth > 0 ? smoothed(curve.ys, smooth) : null,
    }))
    const ribbons = bands.map((each) => ({ ...each, name: each.id, color: groupColor(groups.indexOf(each.id)) }))
    const xs = [...lines, ...ribbons].map((each) => each.xs)
    const ys = [...lines.map((line) => line.ys), ...ribbons.flatMap((ribbon) => edgesOf(ribbon, band))]
    const x = extentOf(xs, isLogX)
    if (!x) return null
    const y = extentOf(ys, isLogY) ?? [1, 10]
    return { lines, ribbons, band, isLogX, isLogY, x: windowOf(x, from, to, isLogX), y: padded(y, isLogY) }
  }, [curves, bands, names, groups, smooth, log, band, from, to])
}

function windowOf([low, high]: Extent, from: number | null, to: number | null, isLog: boolean): Extent {
  const first = from ?? low
  const left = isLog && first <= 0 ? low : first
  const right = to ?? high
  if (left < right) return [left, right]
  return isLog ? [left / 2, left * 2] : [left - 0.5, left + 0.5]
}
