import i18next from 'i18next'
import { formatCount, formatDuration, formatNumber, formatTime } from '@/components/format'
import type { XAxis } from './settings'

/** How places and numbers are written beside axes, where there is little room. */

const LARGE = 10_000

export function axisNumber(value: number): string {
  if (Math.abs(value) < LARGE) return formatNumber(value)
  return new Intl.NumberFormat(i18next.language, { notation: 'compact', maximumSignificantDigits: 4 }).format(value)
}

/** A length of time without needless parts: `40 s`, `5 min`, `2 h`. */
export function axisDuration(ms: number): string {
  return formatDuration(ms).replace(/ 0 (s|min)$/, '')
}

export function formatPlace(x: XAxis, value: number): string {
  if (x === 'step') return formatCount(value)
  return x === 'time' ? formatTime(value) : formatDuration(value)
}
