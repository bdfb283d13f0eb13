/** What the pages of models make of what the registry tells. */
import type { Schemas } from '@/api/client'

export type Model = Schemas['RegisteredModel']
export type Version = Schemas['ModelVersion']
export type Details = Schemas['ModelVersionDetails']
export type Measured = Schemas['MeasuredVersion']
export type StageRequest = Schemas['StageRequest']
export type Stage = Schemas['Stage']

export const STAGES: readonly Stage[] = ['None', 'Staging', 'Production', 'Archived']
export const ACTIVE: readonly string[] = ['Staging', 'Production']

const GRAMMAR = /(=|<|>|\bI?LIKE\b|\bIN\b)/i

/** Return the filter for what was typed: MLflow's grammar as it is, other words as parts of names. */
export function filterOf(typed: string): string {
  const text = typed.trim()
  if (!text || GRAMMAR.test(text)) return text
  return `name ILIKE ${quoted(`%${text}%`)}`
}

/** Return the filter that finds what has a tag. */
export function tagFilter(key: string, value: string): string {
  return `tags.\`${key}\` = ${quoted(value)}`
}

/** Strings of the grammar have no escapes: a text stands in the quotes that it does not hold. */
function quoted(text: string): string {
  return text.includes("'") ? `"${text.replaceAll('"', '')}"` : `'${text}'`
}

export function newestOf(model: Model): Version | undefined {
  return model.latest_versions?.reduce<Version | undefined>(
    (newest, each) => (newest && newest.version > each.version ? newest : each),
    undefined,
  )
}

const FRONT_MATTER = /^---[ \t]*\n[\s\S]*?\n(---|\.\.\.)[ \t]*(\n|$)/
const SUMMARY = 240

/** Return the first words of a card: without its front matter, headings and marks. */
export function summaryOf(card: string | null | undefined): string {
  const body = (card ?? '').slice(0, 20_000).replaceAll('\r\n', '\n').replace(FRONT_MATTER, '')
  const paragraph = body.split(/\n\s*\n/).find((each) => each.trim() && !/^\s*(#|```|<|\||!\[|---)/.test(each)) ?? ''
  const words = paragraph
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[*_`]+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return words.length > SUMMARY ? `${words.slice(0, SUMMARY - 1)}…` : words
}

const SMALLER = /(^|[^a-z])(loss|err|error|rmse|mse|mae|mape|perplexity|latency|time|seconds|ms|wer|cer|fid)($|[^a-z])/i

/** Say whether the smaller value of a metric is the better one, as far as its name tells. */
export function isSmallerBetter(metric: string): boolean {
  return SMALLER.test(metric.replaceAll(/([a-z])([A-Z])/g, '$1 $2'))
}

/** Return the places of the best of some values; none where there are fewer than two to choose from. */
export function bestOf(values: (number | string | undefined)[], smaller: boolean): Set<number> {
  const numbers = values.map((each) => (typeof each === 'number' && Number.isFinite(each) ? each : null))
  const known = numbers.filter((each) => each !== null)
  if (known.length < 2 || new Set(known).size < 2) return new Set()
  const best = smaller ? Math.min(...known) : Math.max(...known)
  return new Set(numbers.flatMap((each, place) => (each === best ? [place] : [])))
}

/** Return the names of all metrics, those that most versions have first. */
export function metricNames(measured: readonly Measured[]): string[] {
  const counts = new Map<string, number>()
  for (const { metrics } of measured)
    for (const key of Object.keys(metrics)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([key]) => key)
}

export interface Column {
  name: string
  type: string
  isRequired: boolean
  shape: string
}

/** Return the columns of one side of a signature, which MLflow keeps as JSON text. */
export function columnsOf(signature: Details['model_file'], side: 'inputs' | 'outputs' | 'params'): Column[] {
  const text = signature?.signature?.[side]
  const parsed = typeof text === 'string' ? parse(text) : text
  return Array.isArray(parsed) ? parsed.map(columnOf) : []
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function columnOf(value: unknown, place: number): Column {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const tensor = (entry['tensor-spec'] ?? {}) as Record<string, unknown>
  const shape = entry['shape'] ?? tensor['shape']
  return {
    name: typeof entry['name'] === 'string' ? entry['name'] : String(place),
    type: typeName(entry, tensor),
    isRequired: entry['required'] !== false && entry['optional'] !== true,
    shape: Array.isArray(shape) ? `(${shape.join(', ')})` : '',
  }
}

function typeName(entry: Record<string, unknown>, tensor: Record<string, unknown>): string {
  const type = tensor['dtype'] ?? entry['type'] ?? entry['dtype']
  if (type === 'array') {
    const items = entry['items'] as Record<string, unknown> | undefined
    return `array<${items ? typeName(items, {}) : 'any'}>`
  }
  return typeof type === 'string' ? type : 'any'
}

/** Return the numbers that `?compare=` names: each once, ten at most. */
export function comparedOf(text: string | undefined): number[] {
  const numbers = (text ?? '').split(',').filter((each) => /^[1-9]\d{0,9}$/.test(each))
  return [...new Set(numbers.map(Number))].slice(0, MOST_COMPARED)
}

export const MOST_COMPARED = 10
