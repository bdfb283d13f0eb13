import type { Run } from '@/charts/data'

/** Params and metrics of runs as columns of numbers or of words. */
export interface Field {
  /** Such as `params.lr`. */
  id: string
  name: string
  kind: 'params' | 'metrics'
  isNumeric: boolean
  /** By the order of the runs; null where a run does not have it. */
  values: (number | string | null)[]
  isVaried: boolean
}

/** Whether a metric is of the machine, which is looked at last. */
export function isSystem(metric: string): boolean {
  return metric.startsWith('system/')
}

export function makeFields(runs: Run[]): Field[] {
  const metrics = runs.map((run) => new Map(run.metrics?.map(({ key, value }) => [key, Number(value)])))
  const names = (all: Iterable<string>[]) =>
    [...new Set(all.flatMap((each) => [...each]))].sort((a, b) => +isSystem(a) - +isSystem(b) || (a < b ? -1 : 1))
  return [
    ...names(runs.map((run) => Object.keys(run.params ?? {}))).map((name) =>
      makeField(
        'params',
        name,
        runs.map((run) => run.params?.[name] ?? null),
      ),
    ),
    ...names(metrics.map((each) => each.keys())).map((name) =>
      makeField(
        'metrics',
        name,
        metrics.map((each) => each.get(name) ?? null),
      ),
    ),
  ]
}

function makeField(kind: Field['kind'], name: string, raw: (number | string | null)[]): Field {
  const known = raw.filter((value) => value !== null)
  const isNumeric = known.every(
    (value) => typeof value === 'number' || (value.trim() !== '' && !Number.isNaN(Number(value))),
  )
  const values = raw.map((value) => (value !== null && isNumeric ? Number(value) : value))
  return { id: `${kind}.${name}`, name, kind, isNumeric, values, isVaried: new Set(known).size > 1 }
}

/** Where values stand along an axis, 0 to 1, and what is written beside it. */
export interface Scale {
  place: (value: number | string | null) => number | null
  ticks: { at: number; value: number | string }[]
  isLog: boolean
}

/** Numbers that span more than this many times their least are shown by their logarithms. */
const WIDE = 50
const TICKS = 5
const FEW = 8
const APART = 0.06

export function makeScale({ values, isNumeric }: Pick<Field, 'values' | 'isNumeric'>): Scale {
  return isNumeric ? numeric(values as (number | null)[]) : categories(values)
}

function categories(values: Field['values']): Scale {
  const words = [...new Set(values.filter((value) => value !== null).map(String))].sort()
  const at = new Map(words.map((word, index) => [word, words.length > 1 ? index / (words.length - 1) : 0.5]))
  const every = Math.ceil(words.length / 12)
  const ticks = words.filter((_, index) => index % every === 0).map((value) => ({ at: at.get(value)!, value }))
  return { place: (value) => (value === null ? null : (at.get(String(value)) ?? null)), ticks, isLog: false }
}

function numeric(values: (number | null)[]): Scale {
  const finite = values.filter((value): value is number => value !== null && Math.abs(value) < Number.MAX_VALUE)
  const low = Math.min(...finite)
  const high = Math.max(...finite)
  const isLog = low > 0 && high / low > WIDE
  const warp = isLog ? Math.log10 : (value: number) => value
  const length = warp(high) - warp(low)
  const place = (value: number | string | null): number | null => {
    if (typeof value !== 'number' || !(Math.abs(value) < Number.MAX_VALUE)) return null
    return length > 0 ? (warp(value) - warp(low)) / length : 0.5
  }
  return { place, isLog, ticks: marksOf(finite, place, isLog).map((value) => ({ at: place(value)!, value })) }
}

/** Few numbers are written as they are; of many, round ones between them. */
function marksOf(values: number[], place: (value: number) => number | null, isLog: boolean): number[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b)
  const areApart = distinct.every(
    (value, index) => index === 0 || place(value)! - place(distinct[index - 1]!)! >= APART,
  )
  if (distinct.length <= FEW && areApart) return distinct
  const [low, high] = [distinct[0]!, distinct.at(-1)!]
  return isLog ? powers(low, high) : rounds(low, high)
}

/** Return round numbers between two, about TICKS. */
export function rounds(low: number, high: number): number[] {
  const rough = (high - low) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(((first + index) * step).toPrecision(12)))
}

function powers(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low))
  const last = Math.floor(Math.log10(high))
  const wanted = last - first < 2 ? [1, 2, 5] : [1]
  const found = []
  for (let power = first - 1; power <= last; power += 1) {
    for (const each of wanted) found.push(Number((each * 10 ** power).toPrecision(6)))
  }
  return found.filter((value) => value >= low && value <= high)
}
