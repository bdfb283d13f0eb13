import 'uplot/dist/uPlot.min.css'
import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import uPlot from 'uplot'
import { formatNumber } from '@/components/format'
import styles from './charts.module.css'
import { useCursor, useLook } from './cursor'
import { valueAt, type Extent } from './curves'
import { drawPicture, type Picture } from './draw'
import { columnsOf, find, step, zoomed } from './looking'
import { usePalette, type Palette } from './palette'
import type { XAxis } from './settings'
import { axisDuration, axisNumber, formatPlace } from './words'

const AXIS_HEIGHT = 26
const NEAR_PX = 48
const LEAST_DRAG_PX = 4

export interface PlotProps {
  panel: string
  title: string
  picture: Picture
  x: XAxis
  /** Look at a part of the x axis; null is all of it. */
  onZoom: (window: Extent | null) => void
  /** Where the canvas of the picture is put, to be saved. */
  canvas: RefObject<HTMLCanvasElement | null>
}

/** Curves and bands over the x axis. The cursor is a slider: its value is the place, its words are the values there. */
export function LinePlot({ panel, title, picture, x, onZoom, canvas }: PlotProps): ReactElement {
  const { t } = useTranslation('charts')
  const holder = useRef<HTMLDivElement>(null)
  const palette = usePalette()
  const cursor = useCursor()
  const plot = usePlot(holder, { panel, picture, palette, x, onZoom, canvas })
  const look = useLook()
  const anchor = useRef<number | null>(null)

  const here = look.x ?? picture.x[0]
  const columns = columnsOf(picture)
  const told = columns
    .map(({ id, name, xs, ys }) => ({ id, name, value: valueAt(xs, ys, here) }))
    .filter(({ value }) => !Number.isNaN(value))
    .toSorted((a, b) => +(b.id === look.id) - +(a.id === look.id))
    .slice(0, 5)
    .map(({ name, value }) => `${name} ${formatNumber(value)}`)

  function select(window: Extent | null): void {
    const u = plot.current
    if (!u) return
    const [left, right] = window ? window.map((each) => u.valToPos(each, 'x')) : [0, 0]
    const width = Math.abs(right! - left!)
    u.setSelect({ left: Math.min(left!, right!), top: 0, width, height: width ? u.over.clientHeight : 0 }, false)
  }

  function move(to: number, extend: boolean): void {
    if (extend) anchor.current ??= here
    else anchor.current = null
    cursor.set({ x: to, panel, id: look.id ?? columns[0]?.id ?? null })
    select(anchor.current === null ? null : [anchor.current, to])
  }

  function onKeyDown(event: KeyboardEvent): void {
    const column = columns.find(({ id }) => id === look.id) ?? columns[0]
    const [low, high] = picture.x
    const act: Record<string, () => void> = {
      ArrowLeft: () => column && move(step(column.xs, here, -1), event.shiftKey),
      ArrowRight: () => column && move(step(column.xs, here, 1), event.shiftKey),
      PageDown: () => move(Math.max(low, here - (high - low) / 10), event.shiftKey),
      PageUp: () => move(Math.min(high, here + (high - low) / 10), event.shiftKey),
      Home: () => move(low, event.shiftKey),
      End: () => move(high, event.shiftKey),
      ArrowUp: () => cursor.set({ panel, x: here, id: neighbour(columns, look.id, -1) }),
      ArrowDown: () => cursor.set({ panel, x: here, id: neighbour(columns, look.id, 1) }),
      Enter: () => {
        onZoom(anchor.current === null ? zoomed(picture.x, here, 0.5) : sorted(anchor.current, here))
        anchor.current = null
        select(null)
      },
      '+': () => onZoom(zoomed(picture.x, here, 0.5)),
      '-': () => onZoom(zoomed(picture.x, here, 2)),
      '0': () => onZoom(null),
    }
    const found = act[event.key]
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    found()
  }

  return (
    <div
      className={styles.plot}
      ref={holder}
      role="slider"
      tabIndex={0}
      aria-label={t('cursor', { title })}
      aria-valuemin={picture.x[0]}
      aria-valuemax={picture.x[1]}
      aria-valuenow={here}
      aria-valuetext={[formatPlace(x, here), ...told].join(', ')}
      aria-keyshortcuts="Enter + - 0"
      onKeyDown={onKeyDown}
      onPointerLeave={() => cursor.clear()}
      onBlur={() => cursor.clear()}
    />
  )
}

function sorted(a: number, b: number): Extent {
  return a < b ? [a, b] : [b, a]
}

function neighbour(columns: { id: string }[], id: string | null, by: number): string | null {
  const at = columns.findIndex((each) => each.id === id)
  return columns.at((at + by + columns.length) % columns.length)?.id ?? null
}

interface Shown extends Omit<PlotProps, 'title'> {
  palette: Palette
}

/** Keep a uPlot in `holder`: its axes, its selection, and over it what `drawPicture` draws. */
function usePlot(holder: RefObject<HTMLDivElement | null>, shown: Shown): RefObject<uPlot | null> {
  const cursor = useCursor()
  const latest = useRef(shown)
  const plot = useRef<uPlot | null>(null)
  const { x, picture, palette } = shown
  const { isLogX, isLogY } = picture

  useLayoutEffect(() => {
    latest.current = shown
  })

  useLayoutEffect(() => {
    const place = holder.current!
    const u = new uPlot(
      {
        ...optionsOf(latest, x, isLogX, isLogY, cursor.get),
        width: Math.max(place.clientWidth, 80),
        height: Math.max(place.clientHeight, 60),
      },
      dataOf(latest.current.picture),
      place,
    )
    plot.current = u
    latest.current.canvas.current = u.ctx.canvas
    const stopLooking = followCursor(u, latest, cursor)
    const resized = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = place
      if (width > 0 && height > 0 && (width !== u.width || height !== u.height)) u.setSize({ width, height })
    })
    resized.observe(place)
    return () => {
      resized.disconnect()
      stopLooking()
      u.destroy()
      plot.current = null
    }
  }, [holder, x, isLogX, isLogY, cursor])

  useEffect(() => plot.current?.setData(dataOf(picture)), [picture])
  useEffect(() => plot.current?.redraw(false, true), [palette])
  return plot
}

/** uPlot sees the corners of the picture alone: curves each have places of their own, which it does not know. */
function dataOf({ x, y }: Picture): uPlot.AlignedData {
  return [x, y]
}

function optionsOf(
  latest: RefObject<Shown>,
  x: XAxis,
  isLogX: boolean,
  isLogY: boolean,
  lookedAt: () => { id: string | null },
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis: uPlot.Axis = {
    stroke: () => latest.current.palette.dim,
    grid: { stroke: () => latest.current.palette.line, width: 1 },
    ticks: { show: false },
    gap: 6,
    font: latest.current.palette.font,
  }
  const write = x === 'relative' ? axisDuration : axisNumber
  return {
    ms: 1,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: {
      x: false,
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG_PX },
      bind: { dblclick: () => () => (latest.current.onZoom(null), null) },
    },
    scales: {
      x: { time: x === 'time', distr: isLogX ? 3 : 1, range: () => latest.current.picture.x },
      y: { distr: isLogY ? 3 : 1, range: () => latest.current.picture.y },
    },
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT,
        space: x === 'step' ? 56 : 76,
        ...(x !== 'time' && { values: (_, splits) => splits.map((each) => (each === null ? '' : write(each))) }),
        ...(x === 'relative' && !isLogX && { incrs: DURATIONS }),
        ...(x === 'step' && !isLogX && { incrs: WHOLE }),
      },
      {
        ...axis,
        space: 34,
        size: (u, values) => widest(u, values) + 14,
        values: (_, splits) =>
          splits.map((each) => (each === null || (isLogY && !isRound(each)) ? '' : axisNumber(each))),
      },
    ],
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
    hooks: {
      draw: [(u) => drawPicture(u, latest.current.picture, latest.current.palette, lookedAt().id)],
      setSelect: [
        (u) => {
          const { left, width } = u.select
          if (width < LEAST_DRAG_PX) return
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          latest.current.onZoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')])
        },
      ],
    },
  }
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const DURATIONS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100].map((each) => each * DAY),
]
const WHOLE = Array.from({ length: 17 }, (_, power) => [1, 2, 5].map((each) => each * 10 ** power)).flat()

/** Whether a number has one digit alone: the ends of a logarithmic axis may be any. */
function isRound(value: number): boolean {
  return Math.abs(Number(value.toPrecision(1)) / value - 1) < 1e-9
}

function widest(u: uPlot, values: string[] | null): number {
  u.ctx.font = `${11 * devicePixelRatio}px system-ui`
  return Math.max(20, ...(values ?? []).map((each) => u.ctx.measureText(each ?? '').width / devicePixelRatio))
}

/** Show the shared cursor in a plot, and move it by this plot's pointer. */
function followCursor(u: uPlot, latest: RefObject<Shown>, cursor: ReturnType<typeof useCursor>): () => void {
  const line = u.over.appendChild(document.createElement('div'))
  const dot = u.over.appendChild(document.createElement('div'))
  line.className = styles.cursor!
  dot.className = styles.dot!
  let lifted = cursor.get().id

  function show(): void {
    const { x, id } = cursor.get()
    const { picture, palette } = latest.current
    const left = x === null ? -1 : u.valToPos(x, 'x')
    line.hidden = !(left >= 0 && left <= u.over.clientWidth)
    line.style.translate = `${Math.round(left)}px 0`
    const column = x === null ? undefined : columnsOf(picture).find((each) => each.id === id)
    const value = column ? valueAt(column.xs, column.ys, x!) : NaN
    const top = Number.isNaN(value) ? NaN : u.valToPos(value, 'y')
    dot.hidden = line.hidden || Number.isNaN(top)
    if (!dot.hidden) {
      dot.style.translate = `${left}px ${top}px`
      dot.style.background = palette.of(column!.color)
    }
    if (lifted !== id) {
      lifted = id
      u.redraw(false, false)
    }
  }

  function onMove(event: PointerEvent): void {
    const { left, top } = u.over.getBoundingClientRect()
    const at = { left: event.clientX - left, top: event.clientY - top }
    const found = find(columnsOf(latest.current.picture), u, at, NEAR_PX)
    cursor.set({ x: found?.x ?? u.posToVal(at.left, 'x'), panel: latest.current.panel, id: found?.id ?? null })
  }

  u.over.addEventListener('pointermove', onMove)
  show()
  return cursor.subscribe(show)
}
