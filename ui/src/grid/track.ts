/** Rows below each other in a box that scrolls, more of them than a browser lets be high. */

export const ROW = 32
export const HEADER = 36
/** Firefox gives up at 17.8 million pixels, Chromium at 33. */
const HIGHEST = 12_000_000

export interface Track {
  /** How high what scrolls is, in px. */
  height: number
  /** How far from the first row the view begins, in px, when the box is scrolled so far. */
  offset: (scrollTop: number) => number
  /** How far the box is scrolled when the view begins there. */
  scroll: (offset: number) => number
}

export function trackOf(count: number, view: number, highest = HIGHEST): Track {
  const whole = count * ROW
  if (whole <= highest) return { height: whole, offset: (top) => top, scroll: (offset) => offset }
  const ratio = (whole - view) / (highest - view)
  return { height: highest, offset: (top) => top * ratio, scroll: (offset) => offset / ratio }
}

/** The rows that are to be seen, both included; -1 where there are none. */
export function rowsInView(offset: number, view: number, count: number): [number, number] {
  const first = Math.max(0, Math.min(count - 1, Math.floor(offset / ROW)))
  return [first, Math.min(count - 1, Math.floor((offset + Math.max(view, 1) - 1) / ROW))]
}

/** Where the view must begin for a row to be wholly in it; `offset` where it is already. */
export function reveal(row: number, offset: number, view: number): number {
  const top = row * ROW
  if (top < offset) return top
  return top + ROW > offset + view ? top + ROW - view : offset
}

/** The columns of such widths that lie between `left` and `right` px, both included. */
export function columnsInView(widths: number[], left: number, right: number): [number, number] {
  let [edge, first] = [0, 0]
  while (first < widths.length - 1 && edge + widths[first]! <= left) edge += widths[first++]!
  let last = first
  edge += widths[first] ?? 0
  while (last < widths.length - 1 && edge < right) edge += widths[++last]!
  return [first, last]
}
