import i18next from 'i18next'

/** How the page writes numbers, sizes, durations and times, in the language that was chosen. */

const made = new Map<string, Intl.NumberFormat>()

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${i18next.language}${JSON.stringify(options)}`
  const found = made.get(key) ?? new Intl.NumberFormat(i18next.language, options)
  made.set(key, found)
  return found
}

/** A metric's value: about five digits, scientific where it is very small or large. NaN and infinities come as words. */
export function formatNumber(value: number | string): string {
  if (typeof value === 'string') return value
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e9) return formatCount(value)
  const notation = size !== 0 && (size < 1e-4 || size >= 1e9) ? 'scientific' : 'standard'
  return numbers({ maximumSignificantDigits: 5, notation }).format(value)
}

export function formatCount(value: number): string {
  return numbers({ maximumFractionDigits: 0 }).format(value)
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const unit = { style: 'unit', unit: UNITS[power], unitDisplay: power ? 'short' : 'long' } as const
  return numbers({ ...unit, maximumSignificantDigits: 3 }).format(bytes / 1000 ** power)
}

/** A length of time in ms: `2 h 5 min`, `12.3 s`, `80 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${numbers({ maximumFractionDigits: 1 }).format(ms / 1000)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Past this many ms from 1970 there is no date: a client may log any time. */
const MOST_MS = 8.64e15

export function isDate(ms: number): boolean {
  return Math.abs(ms) <= MOST_MS
}

export function formatTime(ms: number): string {
  if (!isDate(ms)) return `${ms} ms`
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(ms)
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** How long ago a time is, in ms since 1970: `3 hours ago`. */
export function formatAgo(ms: number, now = Date.now()): string {
  const seconds = (ms - now) / 1000
  const [unit, length] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? (['second', 1] as const)
  return new Intl.RelativeTimeFormat(i18next.language, { numeric: 'auto' }).format(Math.round(seconds / length), unit)
}
