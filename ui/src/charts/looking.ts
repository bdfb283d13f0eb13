import type uPlot from 'uplot'
import { nearest, type Extent } from './curves'
import type { Picture } from './draw'

/** What of a picture is under the pointer, and how one looks at less or more of it. */

export interface Column {
  id: string
  name: string
  color: string
  xs: Float64Array
  /** What is drawn strongest: the smoothed curve, the mean of a band. */
  ys: Float64Array
}

const made = new WeakMap<Picture, Column[]>()

export function columnsOf(picture: Picture): Column[] {
  const found = made.get(picture)
  if (found) return found
  const columns = [
    ...picture.lines.map(({ id, name, color, xs, ys, smooth }) => ({ id, name, color, xs, ys: smooth ?? ys })),
    ...picture.ribbons.map(({ id, name, color, xs, mean }) => ({ id, name, color, xs, ys: mean })),
  ].filter(({ xs }) => xs.length > 0)
  made.set(picture, columns)
  return columns
}

/** Return the point nearest to the pointer: its run, and its place; no run where none is within `near` pixels. */
export function find(
  columns: Column[],
  u: uPlot,
  at: { left: number; top: number },
  near: number,
): { x: number; id: string | null } | null {
  const x = u.posToVal(at.left, 'x')
  let best: { x: number; id: string } | null = null
  let least = Infinity
  for (const { id, xs, ys } of columns) {
    const index = nearest(xs, x)
    const value = ys[index]!
    if (Number.isNaN(value)) continue
    const distance = Math.hypot(u.valToPos(xs[index]!, 'x') - at.left, u.valToPos(value, 'y') - at.top)
    if (distance < least) {
      least = distance
      best = { x: xs[index]!, id }
    }
  }
  return best && { x: best.x, id: least <= near ? best.id : null }
}

/** Return the place of a curve before or after `x`. */
export function step(xs: Float64Array, x: number, by: 1 | -1): number {
  const at = nearest(xs, x)
  if (by > 0 ? xs[at]! > x : xs[at]! < x) return xs[at]!
  for (let index = at; index >= 0 && index < xs.length; index += by) {
    if (by > 0 ? xs[index]! > x : xs[index]! < x) return xs[index]!
  }
  return xs[at]!
}

/** Return the part of an extent around a place that is `factor` times as long. */
export function zoomed([low, high]: Extent, around: number, factor: number): Extent {
  return [around - (around - low) * factor, around + (high - around) * factor]
}
