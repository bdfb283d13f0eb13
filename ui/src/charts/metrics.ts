/** Which panels there are: metrics by their prefix, in the order that was chosen. */

export interface Section {
  /** The prefix; empty for metrics without one. */
  name: string
  keys: string[]
}

export const SYSTEM = 'system'

const collator = new Intl.Collator('en', { numeric: true })

export function prefixOf(key: string): string {
  const slash = key.indexOf('/')
  return slash > 0 ? key.slice(0, slash) : ''
}

/** What a key is called within its section. */
export function shortName(key: string): string {
  const prefix = prefixOf(key)
  return prefix ? key.slice(prefix.length + 1) : key
}

/** Return the sections: those without a prefix first, the machine's own last. `order` names keys that come first. */
export function makeSections(keys: Iterable<string>, order: readonly string[] = []): Section[] {
  const place = new Map(order.map((key, index) => [key, index]))
  const placeOf = (key: string) => place.get(key) ?? order.length
  const byName = Map.groupBy(new Set(keys), prefixOf)
  return [...byName]
    .map(([name, found]) => ({
      name,
      keys: found.toSorted((a, b) => placeOf(a) - placeOf(b) || collator.compare(a, b)),
    }))
    .toSorted((a, b) => rank(a) - rank(b) || collator.compare(a.name, b.name))
}

function rank({ name }: Section): number {
  return name === '' ? 0 : name === SYSTEM ? 2 : 1
}

/** Return the order after `key` was moved to where `target` is, within `keys`, which are all of its section. */
export function moved(order: readonly string[], keys: readonly string[], key: string, target: string): string[] {
  const to = keys.indexOf(target)
  const next = keys.filter((each) => each !== key)
  next.splice(to, 0, key)
  return [...order.filter((each) => !keys.includes(each)), ...next]
}
