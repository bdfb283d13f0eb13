import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Run } from '@/charts/data'
import { axisNumber } from '@/charts/words'
import { Button } from '@/components/Button'
import { Check } from '@/components/Field'
import { Popover } from '@/components/Menu'
import { ColorKey, colorsOf } from './colouring'
import styles from './comparison.module.css'
import { makeScale, type Field, type Scale } from './fields'
import { Pick } from './Pick'
import { PictureTable, writeValue } from './PictureTable'
import type { ChangeCompare, CompareSettings } from './settings'
import { useWidth } from './useWidth'

const HEIGHT = 400
const TOP = 44
const BOTTOM = 20
const SIDE = 56
const MOST_AXES = 7
const FINE = 0.02
const COARSE = 0.1
type Span = [number, number]

/** Runs as lines over an axis for each param and metric. What is marked on an axis is lifted from the rest. */
export function Parallel({
  runs,
  fields,
  settings,
  change,
}: {
  runs: Run[]
  fields: Field[]
  settings: CompareSettings
  change: ChangeCompare
}): ReactElement {
  const { t } = useTranslation('compare')
  const [holder, width] = useWidth<HTMLDivElement>()
  const [lifted, lift] = useState<number | null>(null)
  const color =
    fields.find(({ id }) => id === settings.color) ?? fields.find((field) => field.kind === 'metrics' && field.isVaried)
  const axes = useMemo(() => chooseAxes(fields, settings.axes, color), [fields, settings.axes, color])
  const scales = useMemo(() => axes.map(makeScale), [axes])
  const colors = useMemo(() => colorsOf(color), [color])
  const gap = axes.length > 1 ? (width - 2 * SIDE) / (axes.length - 1) : 0
  const xOf = (axis: number) => SIDE + axis * gap
  const places = runs.map((_, run) => axes.map((axis, index) => scales[index]!.place(axis.values[run] ?? null)))
  const isMarked = (run: number) =>
    axes.every(({ id }, index) => {
      const span = settings.brush[id]
      const place = places[run]![index]!
      return !span || (place !== null && place >= span[0] && place <= span[1])
    })
  const marked = runs.flatMap((_, run) => (isMarked(run) ? [run] : []))
  const isBrushed = axes.some(({ id }) => settings.brush[id])

  function mark(id: string, span: Span | null): void {
    const others = Object.fromEntries(Object.entries(settings.brush).filter(([axis]) => axis !== id))
    change({ brush: span && (span[0] > 0 || span[1] < 1) ? { ...others, [id]: span } : others })
  }

  const order = [...runs.keys()].sort((a, b) => +isMarked(a) - +isMarked(b) || +(a === lifted) - +(b === lifted))
  return (
    <div className={styles.stack}>
      <div className={styles.bar}>
        <Pick label={t('color')} fields={fields} value={color?.id} onChange={(id) => change({ color: id })} />
        <Axes fields={fields} axes={axes} onChange={(ids) => change({ axes: ids })} />
        {isBrushed && (
          <Button small icon="restore" onClick={() => change({ brush: {} })}>
            {t('clearMarks')}
          </Button>
        )}
        <span className={styles.dim}>{t('marked', { count: marked.length, all: runs.length })}</span>
        <span className={styles.grow} />
        <ColorKey field={color} />
      </div>
      <div ref={holder} className={styles.picture}>
        <svg width={width} height={HEIGHT} role="group" aria-label={t('parts.parallel')}>
          <g fill="none">
            {order.map((run) => (
              <path
                key={runs[run]!.run_id}
                d={pathOf(places[run]!, xOf)}
                stroke={colors[run] ?? 'var(--edge)'}
                strokeWidth={run === lifted ? 3 : 1.5}
                opacity={isMarked(run) ? (lifted === null || lifted === run ? 0.85 : 0.3) : 0.08}
                onPointerEnter={() => lift(run)}
                onPointerLeave={() => lift(null)}
              >
                <title>{runs[run]!.name}</title>
              </path>
            ))}
          </g>
          {axes.map((axis, index) => (
            <Axis
              key={axis.id}
              field={axis}
              scale={scales[index]!}
              x={xOf(index)}
              isLast={index === axes.length - 1 && index > 0}
              room={index === 0 || index === axes.length - 1 ? 2 * SIDE : Math.max(gap, 80)}
              span={settings.brush[axis.id] ?? null}
              value={lifted === null ? null : writeValue(axis.values[lifted])}
              mark={(span) => mark(axis.id, span)}
            />
          ))}
        </svg>
      </div>
      <PictureTable runs={runs} indexes={marked} fields={axes} />
    </div>
  )
}

function chooseAxes(fields: Field[], chosen: string[] | undefined, color: Field | undefined): Field[] {
  const found = chosen?.flatMap((id) => fields.find((field) => field.id === id) ?? []) ?? []
  if (found.length > 0) return found
  const varied = fields.filter((field) => field.isVaried && field !== color)
  const params = varied.filter(({ kind }) => kind === 'params').slice(0, MOST_AXES - 2)
  const metrics = varied.filter(({ kind }) => kind === 'metrics').slice(0, params.length > 3 ? 1 : 2)
  return [...params, ...metrics, ...(color ? [color] : [])]
}

const yOf = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)

/** A smooth line through the places; where a run has no value, the line is broken. */
function pathOf(places: (number | null)[], xOf: (axis: number) => number): string {
  return places
    .map((place, index) => {
      if (place === null) return ''
      const before = places[index - 1] ?? null
      const [x, y] = [xOf(index), yOf(place)]
      if (before === null) return `M${x - 4},${y}L${x},${y}`
      const [x0, middle] = [xOf(index - 1), (xOf(index - 1) + x) / 2]
      return `M${x0},${yOf(before)}C${middle},${yOf(before)} ${middle},${y} ${x},${y}`
    })
    .join('')
}

/** One axis, with what is marked on it: by dragging, or by its two ends, which are sliders. */
function Axis({
  field,
  scale,
  x,
  isLast,
  room,
  span,
  value,
  mark,
}: {
  field: Field
  scale: Scale
  x: number
  isLast: boolean
  room: number
  span: Span | null
  /** What the lifted run has here. */
  value: string | null
  mark: (span: Span | null) => void
}): ReactElement {
  const { t } = useTranslation('compare')
  const start = useRef<number | null>(null)
  const [low, high] = span ?? [0, 1]

  function placeAt(event: PointerEvent<SVGElement>): number {
    const { top } = event.currentTarget.ownerSVGElement!.getBoundingClientRect()
    const share = (HEIGHT - BOTTOM - (event.clientY - top)) / (HEIGHT - TOP - BOTTOM)
    return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000
  }

  function onDown(event: PointerEvent<SVGElement>): void {
    event.currentTarget.setPointerCapture(event.pointerId)
    start.current = placeAt(event)
  }

  function onMove(event: PointerEvent<SVGElement>): void {
    if (start.current === null) return
    const here = placeAt(event)
    if (Math.abs(here - start.current) >= FINE) mark([Math.min(here, start.current), Math.max(here, start.current)])
  }

  function onKeyDown(event: KeyboardEvent, end: 0 | 1): void {
    const by = { ArrowUp: FINE, ArrowDown: -FINE, PageUp: COARSE, PageDown: -COARSE, Home: -1, End: 1 }[event.key]
    if (event.key === 'Escape' || event.key === 'Delete') mark(null)
    if (by === undefined) return
    event.preventDefault()
    const moved = Math.round(((end === 0 ? low : high) + by) * 1000) / 1000
    mark(end === 0 ? [Math.max(0, Math.min(moved, high)), high] : [low, Math.min(1, Math.max(moved, low))])
  }

  const known = field.values.filter((each) => each !== null)
  const told = (at: number) => writeValue(nearestValue(known, scale, at))
  const side = isLast ? -1 : 1
  return (
    <g transform={`translate(${x} 0)`} className={styles.axis}>
      <foreignObject x={-room / 2 + 4} y={0} width={room - 8} height={34}>
        <div className={styles.axisName} title={field.name}>
          <b>{field.name}</b>
          <small>{value ?? (scale.isLog ? t('logarithmic') : '')}</small>
        </div>
      </foreignObject>
      <line y1={TOP} y2={HEIGHT - BOTTOM} />
      {scale.ticks.map(({ at, value: tick }) => (
        <g key={tick} transform={`translate(0 ${yOf(at)})`}>
          <line x2={4 * side} />
          <text x={8 * side} dy="0.32em" textAnchor={isLast ? 'end' : 'start'}>
            {typeof tick === 'number' ? axisNumber(tick) : tick}
          </text>
        </g>
      ))}
      <rect
        className={styles.drag}
        x={-14}
        width={28}
        y={TOP - 6}
        height={HEIGHT - TOP - BOTTOM + 12}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={() => (start.current = null)}
        onDoubleClick={() => mark(null)}
      />
      {span && (
        <rect className={styles.span} x={-6} width={12} y={yOf(high)} height={Math.max(2, yOf(low) - yOf(high))} />
      )}
      {([0, 1] as const).map((end) => (
        <rect
          key={end}
          className={styles.end}
          role="slider"
          tabIndex={0}
          x={-12}
          width={24}
          y={yOf(end === 0 ? low : high) - (end === 0 ? 0 : 24)}
          height={24}
          aria-label={t(end === 0 ? 'from' : 'to', { name: field.name })}
          aria-orientation="vertical"
          aria-valuemin={0}
          aria-valuemax={1}
          aria-valuenow={end === 0 ? low : high}
          aria-valuetext={told(end === 0 ? low : high)}
          onKeyDown={(event) => onKeyDown(event, end)}
          onPointerDown={onDown}
          onPointerMove={onMove}
          onPointerUp={() => (start.current = null)}
        />
      ))}
    </g>
  )
}

function nearestValue(values: (number | string)[], scale: Scale, at: number): number | string | undefined {
  let best: number | string | undefined
  let least = Infinity
  for (const value of values) {
    const place = scale.place(value)
    if (place !== null && Math.abs(place - at) < least) {
      least = Math.abs(place - at)
      best = value
    }
  }
  return best
}

function Axes({
  fields,
  axes,
  onChange,
}: {
  fields: Field[]
  axes: Field[]
  onChange: (ids: string[]) => void
}): ReactElement {
  const { t } = useTranslation('compare')
  const chosen = axes.map(({ id }) => id)
  return (
    <Popover
      label={t('axes')}
      trigger={
        <Button small icon="columns">
          {t('axes')}
        </Button>
      }
    >
      <div className={styles.choices}>
        {fields.map(({ id, name, isVaried }) => (
          <Check
            key={id}
            label={
              <>
                {name} {!isVaried && <small className={styles.dim}>{t('same')}</small>}
              </>
            }
            checked={chosen.includes(id)}
            onChange={(event) =>
              onChange(event.target.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
            }
          />
        ))}
      </div>
    </Popover>
  )
}
