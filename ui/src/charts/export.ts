import type { Band, Curve } from './curves'
import type { Palette } from './palette'

/** Charts as files. */

export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name.replaceAll(/[^\w.-]+/g, '_')
  link.click()
  // The browser has begun to save by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** A field of CSV (RFC 4180). What a spreadsheet would take for a formula begins with a quote. */
function field(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csv(rows: (string | number)[][]): Blob {
  return new Blob([rows.map((row) => row.map(field).join(',')).join('\r\n'), '\r\n'], { type: 'text/csv' })
}

export function curveRows(metric: string, curves: Curve[], names: Map<string, string>): (string | number)[][] {
  const head = ['run_id', 'run_name', 'metric', 'step', 'timestamp', 'value']
  const rows = curves.flatMap(({ id, steps, times, ys }) =>
    Array.from(ys, (value, index) => [id, names.get(id) ?? '', metric, steps[index]!, times[index]!, value]),
  )
  return [head, ...rows]
}

export function bandRows(metric: string, bands: Band[]): (string | number)[][] {
  const head = ['group', 'metric', 'x', 'runs', 'mean', 'std', 'min', 'max']
  const rows = bands.flatMap(({ id, xs, runs, mean, std, min, max }) =>
    Array.from(xs, (x, index) => [id, metric, x, ...[runs, mean, std, min, max].map((column) => column[index]!)]),
  )
  return [head, ...rows]
}

interface Key {
  name: string
  color: string
}

const MOST_KEYS = 12
const LINE = 16

/** Return a PNG of a chart with its title above and what its colours mean below. */
export async function png(canvas: HTMLCanvasElement, title: string, keys: Key[], palette: Palette): Promise<Blob> {
  const ratio = devicePixelRatio
  const shown = keys.slice(0, MOST_KEYS)
  const picture = document.createElement('canvas')
  const head = 30
  const width = canvas.width / ratio
  const perRow = Math.max(1, Math.floor(width / 180))
  const foot = Math.ceil(shown.length / perRow) * LINE + 14
  picture.width = canvas.width
  picture.height = canvas.height + (head + foot) * ratio
  const ctx = picture.getContext('2d')!
  ctx.fillStyle = palette.surface
  ctx.fillRect(0, 0, picture.width, picture.height)
  ctx.drawImage(canvas, 0, head * ratio)
  ctx.scale(ratio, ratio)
  ctx.fillStyle = palette.ink
  ctx.font = palette.font.replace('11px', '600 14px')
  ctx.fillText(title, 12, 20)
  ctx.font = palette.font
  for (const [index, { name, color }] of shown.entries()) {
    const left = 12 + (index % perRow) * (width / perRow)
    const top = head + canvas.height / ratio + 12 + Math.floor(index / perRow) * LINE
    ctx.fillStyle = palette.of(color)
    ctx.fillRect(left, top - 5, 12, 3)
    ctx.fillStyle = palette.dim
    ctx.fillText(name, left + 18, top, width / perRow - 26)
  }
  return new Promise((resolve, reject) =>
    picture.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be made'))), 'image/png'),
  )
}
