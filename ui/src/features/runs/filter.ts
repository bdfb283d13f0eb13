/** Words of MLflow's filter grammar: what columns are called in it, what is said of a value, and what may come next. */

export type Kind = 'attributes' | 'params' | 'metrics' | 'tags' | 'min' | 'max' | 'curve'

/** Split a column's id, such as `params.lr`, at its first dot. */
export function parts(columnId: string): [Kind, string] {
  const dot = columnId.indexOf('.')
  return [columnId.slice(0, dot) as Kind, columnId.slice(dot + 1)]
}

const PLAIN = /^[A-Za-z]\w*$/
const WORDS = /^(as|case|from|in|using|values)$/i

/** What a column is called in a filter: ``params.`learning rate` ``. */
export function subjectOf(columnId: string): string {
  const [kind, key] = parts(columnId)
  const entity = kind === 'min' || kind === 'max' || kind === 'curve' ? 'metrics' : kind
  if (PLAIN.test(key) && !WORDS.test(key)) return `${entity}.${key}`
  return key.includes('`') ? `${entity}."${key}"` : `${entity}.\`${key}\``
}

/** The clause that a text is (or is not) a value. */
export function says(columnId: string, isSo: boolean, value: string): string {
  const subject = subjectOf(columnId)
  if (!value.includes("'")) return `${subject} ${isSo ? '=' : '!='} '${value}'`
  if (!value.includes('"')) return `${subject} ${isSo ? '=' : '!='} "${value}"`
  // Nothing escapes in a literal: `_` is any one character, and there is no "NOT LIKE".
  return isSo ? `${subject} LIKE "${value.replaceAll('"', '_')}"` : `${subject} IS NOT NULL`
}

/** A filter with one more clause, once. */
export function added(filter: string, clause: string): string {
  const before = filter.trim()
  if (!before) return clause
  const whole = isClause(before) ? before : asFilter(before)
  return whole.includes(clause) ? whole : `${whole} AND ${clause}`
}

const CLAUSE = /[=<>!~]|\b(like|ilike|in|is)\b/i

/** Whether a text is meant as a filter, and not as a part of a name. */
export function isClause(text: string): boolean {
  return CLAUSE.test(text) || SUBJECT_START.test(text)
}

const SUBJECT_START = /^\s*(attributes|params|metrics|tags)\./i

/** The filter that is asked for: what was typed, or, where that is no clause, runs with it in their name. */
export function asFilter(text: string): string {
  const typed = text.trim()
  if (!typed || isClause(typed)) return typed
  const quote = typed.includes("'") ? '"' : "'"
  return `attributes.run_name ILIKE ${quote}%${typed.replaceAll('"', '_')}%${quote}`
}

export interface Completion {
  /** Which part of the text is replaced. */
  from: number
  to: number
  options: { text: string; label: string; kind: string }[]
}

const SUBJECT = '(?:[A-Za-z]+\\.)?(?:`[^`]*`|"[^"]*"|[^\\s`"\'=<>!]+)'
const KEY_STAGE = new RegExp(`^(?:[A-Za-z]+\\.)?(?:\`[^\`]*|[^\\s\`"'=<>!]*)$`)
const OPERATOR_STAGE = new RegExp(`^(${SUBJECT})\\s+([A-Za-z=<>!]*)$`)
const VALUE_STAGE = new RegExp(`^(${SUBJECT})\\s*(=|!=|<=|>=|<|>|LIKE|ILIKE)\\s*("[^"]*|'[^']*|[^\\s'"]*)$`, 'i')
const MOST = 12
const OPERATORS = {
  number: ['>', '<', '>=', '<=', '=', '!='],
  text: ['=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'],
}

/** What may come at the caret: keys, then comparators, then values; `valuesOf` tells those of a column that are known. */
export function complete(
  text: string,
  caret: number,
  columnIds: string[],
  valuesOf: (columnId: string) => string[],
): Completion {
  const start = clauseStart(text, caret)
  const clause = text.slice(start, caret)
  const value = VALUE_STAGE.exec(clause)
  if (value) return among(caret - value[3]!.length, caret, value[3]!, quoted(value[1]!, columnIds, valuesOf), 'value')
  const operator = OPERATOR_STAGE.exec(clause)
  if (operator) {
    const known = isNumber(operator[1]!) ? OPERATORS.number : OPERATORS.text
    return among(caret - operator[2]!.length, caret, operator[2]!, known, 'operator', ' ')
  }
  if (KEY_STAGE.test(clause)) return among(start, caret, clause, columnIds.map(subjectOf), 'key', ' ')
  return among(caret, caret, '', ['AND'], 'operator', ' ')
}

/** The column whose value is typed at the caret, undefined where something else is. */
export function valueColumn(text: string, caret: number, columnIds: string[]): string | undefined {
  const value = VALUE_STAGE.exec(text.slice(clauseStart(text, caret), caret))
  return value ? columnOf(value[1]!, columnIds) : undefined
}

function clauseStart(text: string, caret: number): number {
  const before = text.slice(0, caret).replace(/'[^']*'|"[^"]*"|`[^`]*`/g, (found) => 'x'.repeat(found.length))
  const and = [...before.matchAll(/\bAND\s+/gi)].at(-1)
  const start = and ? and.index + and[0].length : 0
  return start + (/^\s*/.exec(before.slice(start))?.[0].length ?? 0)
}

function isNumber(subject: string): boolean {
  return /^(metrics?\.|(attributes?\.)?(start_time|end_time)$)/i.test(subject)
}

function quoted(subject: string, columnIds: string[], valuesOf: (columnId: string) => string[]): string[] {
  const columnId = columnOf(subject, columnIds)
  const found = columnId ? valuesOf(columnId) : []
  if (isNumber(subject)) return found
  return found.filter((each) => !each.includes("'") || !each.includes('"')).map(literal)
}

function columnOf(subject: string, columnIds: string[]): string | undefined {
  return columnIds.find((each) => subjectOf(each).toLowerCase() === subject.toLowerCase())
}

function literal(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`
}

function among(from: number, to: number, typed: string, known: string[], kind: string, after = ''): Completion {
  const wanted = typed.replace(/["'`]/g, '').toLowerCase()
  const plain = (each: string) => each.replace(/["'`]/g, '').toLowerCase()
  const begins = known.filter((each) => plain(each).startsWith(wanted))
  const holds = known.filter((each) => !plain(each).startsWith(wanted) && plain(each).includes(wanted))
  const options = [...begins, ...holds].slice(0, MOST)
  return { from, to, options: options.map((each) => ({ text: each + after, label: each, kind })) }
}
