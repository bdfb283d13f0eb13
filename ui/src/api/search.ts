/** Reading what the query of a page's address holds: what is not as it should be is as if it were not there. */

export type Query = Record<string, unknown>

export function text(query: Query, key: string): string | undefined {
  const value = query[key]
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}

export function list(query: Query, key: string): string[] | undefined {
  const value = query[key]
  const found = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  return found.length > 0 ? found : undefined
}

export function choice<T extends string>(query: Query, key: string, choices: readonly T[]): T | undefined {
  return choices.find((each) => each === query[key])
}

export function whole(query: Query, key: string): number | undefined {
  const value = query[key]
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}

export function flag(query: Query, key: string): true | undefined {
  return query[key] === true ? true : undefined
}
