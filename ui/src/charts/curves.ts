/** Curves as columns of numbers, and what is worked out of them. */

/** One metric of one run along the x axis. What is no number, or infinite, is NaN in `ys`: a gap. */
export interface Curve {
  id: string
  xs: Float64Array
  ys: Float64Array
  steps: Float64Array
  times: Float64Array
  /** How many points the window holds on the server, of which these are the least and greatest of each bucket. */
  total: number
  /** Places on the axis where the value was NaN or infinite. */
  gaps: { x: number; kind: 'nan' | 'up' | 'down' }[]
}

/** One metric of a group of runs, in buckets along the axis. */
export interface Band {
  id: string
  xs: Float64Array
  mean: Float64Array
  std: Float64Array
  min: Float64Array
  max: Float64Array
  /** How many runs are in each bucket. */
  runs: number[]
}

/** The server keeps infinities as the largest doubles. */
const INFINITE = Number.MAX_VALUE

export function makeCurve(
  id: string,
  columns: { steps: number[]; timestamps: number[]; values: (number | 'NaN')[]; total: number },
  xOf: (step: number, time: number) => number,
): Curve {
  const { steps, timestamps, values, total } = columns
  const gaps: Curve['gaps'] = []
  const xs = Float64Array.from(steps, (step, index) => xOf(step, timestamps[index]!))
  const ys = Float64Array.from(values, (value, index) => {
    if (value === 'NaN') gaps.push({ x: xs[index]!, kind: 'nan' })
    else if (Math.abs(value) < INFINITE) return value
    else gaps.push({ x: xs[index]!, kind: value > 0 ? 'up' : 'down' })
    return NaN
  })
  return { id, xs, ys, steps: Float64Array.from(steps), times: Float64Array.from(timestamps), total, gaps }
}

/** Exponential moving average without the bias of its start (Kingma & Ba 2015); `weight` is of what was, 0 to 1. */
export function smoothed(ys: Float64Array, weight: number): Float64Array {
  let sum = 0
  let norm = 0
  return ys.map((value) => {
    if (Number.isNaN(value)) return NaN
    sum = sum * weight + (1 - weight) * value
    norm = norm * weight + (1 - weight)
    return sum / norm
  })
}

export type Extent = [number, number]

/** The least and the greatest number, null where there is none; on a log scale only what is above 0 counts. */
export function extentOf(columns: Iterable<ArrayLike<number>>, isLog = false): Extent | null {
  let low = Infinity
  let high = -Infinity
  for (const column of columns) {
    for (let index = 0; index < column.length; index += 1) {
      const value = column[index]!
      if (!Number.isFinite(value) || (isLog && value <= 0)) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  return low <= high ? [low, high] : null
}

/** Return an extent with some room around it. */
export function padded([low, high]: Extent, isLog = false, share = 0.06): Extent {
  if (isLog) {
    const room = Math.max(0.02, Math.log10(high / low) * share)
    return [low / 10 ** room, high * 10 ** room]
  }
  const room = high > low ? (high - low) * share : Math.abs(high) * 0.1 || 1
  return [low - room, high + room]
}

/** Return the index of the place nearest to `x`; `xs` ascends and is not empty. */
export function nearest(xs: ArrayLike<number>, x: number): number {
  let low = 0
  let high = xs.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (xs[middle]! < x) low = middle + 1
    else high = middle
  }
  return low > 0 && x - xs[low - 1]! <= xs[low]! - x ? low - 1 : low
}

/** Return the value nearest to `x`; NaN beyond the ends of the curve. */
export function valueAt(xs: ArrayLike<number>, ys: ArrayLike<number>, x: number): number {
  const last = xs.length - 1
  if (last < 0 || x < xs[0]! || x > xs[last]!) return NaN
  return ys[nearest(xs, x)]!
}
