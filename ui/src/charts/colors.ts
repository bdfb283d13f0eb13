/** The colour of a run: the same in tables, curves and legends, wherever it is seen. */

const COLORS = 10

/** Return one of twenty: those of the theme, and the same nearer to its ink. */
export function runColor(runId: string): string {
  let sum = 0
  for (const each of runId) sum = (sum * 31 + each.charCodeAt(0)) % 1_000_003
  const color = `var(--c${(sum % COLORS) + 1})`
  return Math.floor(sum / COLORS) % 2 ? `color-mix(in oklab, ${color}, var(--ink) 40%)` : color
}
