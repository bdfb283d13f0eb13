import type uPlot from 'uplot'
import type { Band, Curve, Extent } from './curves'
import type { Palette } from './palette'
import type { BandKind } from './settings'

/** What a chart shows: curves of runs, or bands of groups, in front of axes that uPlot draws. */
export interface Line extends Curve {
  name: string
  color: string
  /** The smoothed curve; null where nothing is smoothed. */
  smooth: Float64Array | null
}

export interface Ribbon extends Band {
  name: string
  color: string
}

export interface Picture {
  lines: Line[]
  ribbons: Ribbon[]
  band: BandKind
  x: Extent
  y: Extent
  isLogX: boolean
  isLogY: boolean
}

type Place = (value: number) => number

const FAINT = 0.22
const WIDTH = 1.5
const LIFTED_WIDTH = 2.5
/** Points that far apart, in CSS pixels, are drawn as dots too. */
const DOTTED = 14

/** Return where a value stands between two ends of a canvas. */
export function placeOf([low, high]: Extent, isLog: boolean, from: number, to: number): Place {
  if (!isLog) return (value) => from + ((value - low) / (high - low)) * (to - from)
  const first = Math.log10(low)
  const length = Math.log10(high) - first
  return (value) => (value > 0 ? from + ((Math.log10(value) - first) / length) * (to - from) : NaN)
}

export function drawPicture(u: uPlot, picture: Picture, palette: Palette, lifted: string | null): void {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  const toX = placeOf(picture.x, picture.isLogX, bbox.left, bbox.left + bbox.width)
  const toY = placeOf(picture.y, picture.isLogY, bbox.top + bbox.height, bbox.top)
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.lineJoin = 'round'
  // The lifted one lies above all others.
  const last = <T extends { id: string }>(all: T[]) => all.toSorted((a, b) => +(a.id === lifted) - +(b.id === lifted))
  for (const ribbon of last(picture.ribbons)) {
    ctx.globalAlpha = lifted && lifted !== ribbon.id ? FAINT : 1
    drawRibbon(ctx, ribbon, picture.band, palette.of(ribbon.color), toX, toY, ratio)
  }
  const isKnown = picture.lines.some(({ id }) => id === lifted)
  for (const line of last(picture.lines)) {
    const strength = isKnown && lifted !== line.id ? FAINT : 1
    drawLine(ctx, line, palette.of(line.color), strength, line.id === lifted, toX, toY, ratio)
    drawGaps(ctx, line, toX, bbox, ratio)
  }
  ctx.restore()
}

function drawLine(
  ctx: CanvasRenderingContext2D,
  line: Line,
  color: string,
  strength: number,
  isLifted: boolean,
  toX: Place,
  toY: Place,
  ratio: number,
): void {
  ctx.strokeStyle = ctx.fillStyle = color
  if (line.smooth) {
    // What was logged stays to be seen behind what was smoothed.
    ctx.globalAlpha = strength * 0.3
    ctx.lineWidth = ratio
    trace(ctx, line.xs, line.ys, toX, toY)
  }
  const ys = line.smooth ?? line.ys
  ctx.globalAlpha = strength
  ctx.lineWidth = (isLifted ? LIFTED_WIDTH : WIDTH) * ratio
  trace(ctx, line.xs, ys, toX, toY)
  const length = line.xs.length
  const span = length > 1 ? (toX(line.xs[length - 1]!) - toX(line.xs[0]!)) / (length - 1) : Infinity
  if (span >= DOTTED * ratio) dots(ctx, line.xs, ys, toX, toY, (isLifted ? 3 : 2.25) * ratio)
}

/** Stroke a curve; where it has no number it is broken, and a point between two gaps is a dot. */
function trace(
  ctx: CanvasRenderingContext2D,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  toX: Place,
  toY: Place,
): void {
  ctx.beginPath()
  let isOpen = false
  for (let index = 0; index < xs.length; index += 1) {
    const x = toX(xs[index]!)
    const y = toY(ys[index]!)
    if (Number.isNaN(y) || Number.isNaN(x)) isOpen = false
    else if (isOpen) ctx.lineTo(x, y)
    else {
      ctx.moveTo(x, y)
      if (Number.isNaN(ys[index + 1] ?? NaN)) ctx.arc(x, y, ctx.lineWidth / 2, 0, 7)
      isOpen = true
    }
  }
  ctx.stroke()
}

function dots(
  ctx: CanvasRenderingContext2D,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  toX: Place,
  toY: Place,
  radius: number,
): void {
  ctx.beginPath()
  for (let index = 0; index < xs.length; index += 1) {
    const x = toX(xs[index]!)
    const y = toY(ys[index]!)
    if (Number.isNaN(x + y)) continue
    ctx.moveTo(x + radius, y)
    ctx.arc(x, y, radius, 0, 7)
  }
  ctx.fill()
}

/** Mark along the lower edge what was NaN by a cross, and along upper and lower what was infinite by an arrow. */
function drawGaps(ctx: CanvasRenderingContext2D, line: Line, toX: Place, bbox: uPlot.BBox, ratio: number): void {
  const size = 3.5 * ratio
  ctx.lineWidth = 1.5 * ratio
  let before = -Infinity
  for (const { x, kind } of line.gaps) {
    const left = toX(x)
    if (!(left - before > 2 * size)) continue
    before = left
    const y = kind === 'up' ? bbox.top + 2 * size : bbox.top + bbox.height - 2 * size
    const tip = kind === 'up' ? -size : size
    ctx.beginPath()
    if (kind === 'nan') {
      ctx.moveTo(left - size, y - size)
      ctx.lineTo(left + size, y + size)
      ctx.moveTo(left - size, y + size)
      ctx.lineTo(left + size, y - size)
      ctx.stroke()
    } else {
      ctx.moveTo(left - size, y)
      ctx.lineTo(left + size, y)
      ctx.lineTo(left, y + tip * 1.5)
      ctx.fill()
    }
  }
}

function drawRibbon(
  ctx: CanvasRenderingContext2D,
  ribbon: Ribbon,
  kind: BandKind,
  color: string,
  toX: Place,
  toY: Place,
  ratio: number,
): void {
  const { xs, mean } = ribbon
  const [low, high] = edgesOf(ribbon, kind)
  const strength = ctx.globalAlpha
  ctx.strokeStyle = ctx.fillStyle = color
  if (kind !== 'none') {
    // On a log scale a lower edge below zero lies below the picture.
    const floor = ctx.canvas.height * 2
    const at = (value: number) => {
      const y = toY(value)
      return Number.isNaN(y) ? floor : y
    }
    ctx.globalAlpha = strength * 0.18
    ctx.beginPath()
    for (let index = 0; index < xs.length; index += 1) ctx.lineTo(toX(xs[index]!), at(high[index]!))
    for (let index = xs.length - 1; index >= 0; index -= 1) ctx.lineTo(toX(xs[index]!), at(low[index]!))
    ctx.fill()
  }
  ctx.globalAlpha = strength
  ctx.lineWidth = 1.75 * ratio
  trace(ctx, xs, mean, toX, toY)
}

/** Return the lower and the upper edge of a band. */
export function edgesOf(band: Band, kind: BandKind): [Float64Array, Float64Array] {
  if (kind === 'range') return [band.min, band.max]
  if (kind === 'none') return [band.mean, band.mean]
  return [
    band.mean.map((mean, index) => mean - band.std[index]!),
    band.mean.map((mean, index) => mean + band.std[index]!),
  ]
}
