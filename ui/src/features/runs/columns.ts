import type { Schemas } from '@/api/client'
import type { GridColumn } from '@/grid/column'
import { parts, subjectOf, type Kind } from './filter'
import type { RunsSearch } from './search'

export type Run = Schemas['Run']
export type RunColumns = Schemas['RunColumns']

export const SELECT = 'select'
export const NAME = 'attributes.run_name'
/** In the order that they are offered in. */
export const ATTRIBUTES = [
  NAME,
  'attributes.status',
  'attributes.start_time',
  'attributes.duration',
  'attributes.end_time',
  'attributes.user_id',
  'attributes.run_id',
]
/** Tags that clients set for themselves, and that stand elsewhere. */
const HIDDEN_TAGS = /^mlflow\.(runName|user|source\.|note\.|log-model|data\.|rootRunId|parentRunId)/
const FIRST_OF_EACH = 8
const WIDTHS: Record<Kind, number> = {
  attributes: 132,
  params: 128,
  metrics: 120,
  min: 120,
  max: 120,
  curve: 136,
  tags: 132,
}
const OWN_WIDTHS: Record<string, number> = { [SELECT]: 40, [NAME]: 256, 'attributes.run_id': 264 }
const TIME_WIDTH = 144
export const NUMBERS: Kind[] = ['metrics', 'min', 'max']
/** The largest number that there is stands for an infinity. */
const INFINITE = 1.797693134862315e308

/** The columns that are shown where nobody chose any: what tells runs apart, and some of what was logged. */
export function defaultColumns(known: RunColumns | undefined): string[] {
  const first = (kind: string, keys: string[]) => keys.slice(0, FIRST_OF_EACH).map((key) => `${kind}.${key}`)
  const own = (known?.tags ?? []).filter((key) => !HIDDEN_TAGS.test(key))
  return [
    ...ATTRIBUTES.slice(0, 4),
    ...first(
      'metrics',
      (known?.metrics ?? []).filter((key) => !key.startsWith('system/')),
    ),
    ...first('params', known?.params ?? []),
    ...first('tags', own).slice(0, 3),
  ]
}

/** Every column that there is to choose from. */
export function allColumns(known: RunColumns | undefined): string[] {
  return [
    ...ATTRIBUTES,
    ...(known?.metrics ?? []).map((key) => `metrics.${key}`),
    ...(known?.params ?? []).map((key) => `params.${key}`),
    ...(known?.tags ?? []).map((key) => `tags.${key}`),
  ]
}

/** The columns as the address has them, those that are pinned first; the boxes and the name always are. */
export function shownColumns(search: RunsSearch, known: RunColumns | undefined): string[] {
  const chosen = (search.cols ?? defaultColumns(known)).filter((each) => each.includes('.') && each !== NAME)
  const pinned = new Set(search.pin)
  return [NAME, ...chosen.filter((each) => pinned.has(each)), ...chosen.filter((each) => !pinned.has(each))]
}

export function gridColumns(search: RunsSearch, ids: string[], title: (id: string) => string): GridColumn[] {
  const pinned = new Set([SELECT, NAME, ...(search.pin ?? [])])
  return [SELECT, ...ids].map((id) => {
    const kind = parts(id)[0]
    return {
      id,
      title: title(id),
      width: search.w?.[id] ?? OWN_WIDTHS[id] ?? (id.endsWith('_time') ? TIME_WIDTH : WIDTHS[kind]),
      isNumber: NUMBERS.includes(kind) || id === 'attributes.duration',
      isPinned: pinned.has(id),
      isFixed: id === SELECT,
      sort: canSort(id) ? sortOf(search.sort, id) : undefined,
    }
  })
}

/** Whether the server can sort by a column: not by what it does not keep an order of. */
export function canSort(id: string): boolean {
  const [kind, key] = parts(id)
  return kind !== 'min' && kind !== 'max' && kind !== 'curve' && key !== 'duration' && id !== SELECT
}

function sortOf(sort: string | undefined, id: string): 'ascending' | 'descending' | 'none' {
  if (sort === id) return 'ascending'
  return sort === `-${id}` ? 'descending' : 'none'
}

/** What a click on a column's head makes of the sort: metrics and times the greatest first, then turned round, then none. */
export function nextSort(sort: string | undefined, id: string): string | undefined {
  const [kind, key] = parts(id)
  const isDown = kind === 'metrics' || key.endsWith('_time')
  const [first, second] = isDown ? [`-${id}`, id] : [id, `-${id}`]
  if (sort === first) return second
  return sort === second ? undefined : first
}

export function orderBy(sort: string | undefined): string[] {
  if (!sort) return []
  const isDown = sort.startsWith('-')
  return [`${subjectOf(isDown ? sort.slice(1) : sort)} ${isDown ? 'DESC' : 'ASC'}`]
}

/** What of the params, metrics and tags the server is to send for these columns; it sends all where it is told none. */
export function askedColumns(ids: string[]): string[] {
  const logged = ids.filter((id) => ['params', 'metrics', 'tags'].includes(parts(id)[0]))
  return [...logged, 'tags.mlflow.parentRunId']
}

/** The metrics whose curves are needed, for themselves or for their least and greatest value. */
export function curveKeys(ids: string[]): string[] {
  return [...new Set(ids.map(parts).flatMap(([kind, key]) => (/^(curve|min|max)$/.test(kind) ? [key] : [])))]
}

/** A metric's value as a number: `NaN` comes as a word, infinities as the largest number. */
export function toNumber(value: number | string): number {
  const found = Number(value)
  return Math.abs(found) >= INFINITE ? Math.sign(found) * Infinity : found
}

/** What a run has in a column that a filter can compare, undefined where it has nothing there. */
export function valueOf(run: Run, id: string): string | undefined {
  const [kind, key] = parts(id)
  if (kind === 'params') return run.params?.[key]
  if (kind === 'tags') return run.tags?.[key]
  if (kind === 'metrics') {
    const found = run.metrics?.find((each) => each.key === key)
    return found === undefined ? undefined : String(found.value)
  }
  const own: Record<string, string | number | null | undefined> = {
    run_name: run.name,
    status: run.status,
    user_id: run.user_id,
    run_id: run.run_id,
    start_time: run.started_at,
    end_time: run.ended_at,
    duration: run.started_at && run.ended_at ? run.ended_at - run.started_at : undefined,
  }
  const value = kind === 'attributes' ? own[key] : undefined
  return value === null || value === undefined ? undefined : String(value)
}
