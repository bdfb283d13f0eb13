import { useNavigate } from '@tanstack/react-router'
import { useState, type KeyboardEvent, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { runColor } from '@/charts/colors'
import type { Run } from '@/charts/data'
import { axisNumber } from '@/charts/words'
import styles from './comparison.module.css'
import type { Field, Scale } from './fields'
import { writeValue } from './PictureTable'

export const PLANE_HEIGHT = 440
export const MARGIN = { top: 16, right: 20, bottom: 48, left: 76 }
/** Room between the outermost points and the frame, as a share. */
export const INSET = 0.04

export interface Dot {
  run: number
  x: number
  y: number
  color: string | null
}

/** Runs as points over two fields. The plane is a slider over its points: arrows go through them, Enter opens one. */
export function Plane({
  runs,
  dots,
  x,
  y,
  color,
  scaleX,
  scaleY,
  width,
  title,
  behind,
}: {
  runs: Run[]
  dots: Dot[]
  x: Field
  y: Field
  color: Field | undefined
  scaleX: Scale
  scaleY: Scale
  width: number
  title: string
  behind?: ReactNode
}): ReactElement {
  const { t } = useTranslation('compare')
  const navigate = useNavigate()
  const [at, look] = useState<number | null>(null)
  const sorted = dots.toSorted((a, b) => a.x - b.x || a.y - b.y)
  const here = at === null ? undefined : sorted[at]
  const [toX, toY] = placesOn(width)
  const shown = [...new Set([x, y, ...(color ? [color] : [])])]
  const told = (dot: Dot) => shown.map((field) => `${field.name} ${writeValue(field.values[dot.run])}`).join(', ')
  const open = (dot: Dot) => void navigate({ to: '/runs/$runId', params: { runId: runs[dot.run]!.run_id } })

  function onKeyDown(event: KeyboardEvent): void {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    if (by !== undefined) look(((at ?? (by > 0 ? -1 : 0)) + by + sorted.length) % sorted.length)
    else if (event.key === 'Enter' && here) open(here)
    else return
    event.preventDefault()
  }

  return (
    <div
      className={styles.plane}
      role="slider"
      tabIndex={0}
      aria-label={title}
      aria-valuemin={1}
      aria-valuemax={Math.max(1, sorted.length)}
      aria-valuenow={(at ?? 0) + 1}
      aria-valuetext={here ? `${runs[here.run]!.name}: ${told(here)}` : t('points', { count: sorted.length })}
      onKeyDown={onKeyDown}
      onBlur={() => look(null)}
    >
      {behind}
      <svg width={width} height={PLANE_HEIGHT} aria-hidden="true">
        <g className={styles.axis}>
          {scaleX.ticks.map(({ at: place, value }) => (
            <g key={value} transform={`translate(${toX(place)} 0)`}>
              <line className={styles.gridLine} y1={MARGIN.top} y2={PLANE_HEIGHT - MARGIN.bottom} />
              <text y={PLANE_HEIGHT - MARGIN.bottom + 18} textAnchor="middle">
                {typeof value === 'number' ? axisNumber(value) : value}
              </text>
            </g>
          ))}
          {scaleY.ticks.map(({ at: place, value }) => (
            <g key={value} transform={`translate(0 ${toY(place)})`}>
              <line className={styles.gridLine} x1={MARGIN.left} x2={width - MARGIN.right} />
              <text x={MARGIN.left - 8} dy="0.32em" textAnchor="end">
                {typeof value === 'number' ? axisNumber(value) : value}
              </text>
            </g>
          ))}
          <text
            className={styles.axisTitle}
            x={(MARGIN.left + width - MARGIN.right) / 2}
            y={PLANE_HEIGHT - 8}
            textAnchor="middle"
          >
            {x.name} {scaleX.isLog && t('logarithmic')}
          </text>
          <text
            className={styles.axisTitle}
            transform={`translate(14 ${(PLANE_HEIGHT - MARGIN.bottom + MARGIN.top) / 2}) rotate(-90)`}
            textAnchor="middle"
          >
            {y.name} {scaleY.isLog && t('logarithmic')}
          </text>
        </g>
        {sorted.map((dot, index) => (
          <circle
            key={dot.run}
            className={styles.point}
            cx={toX(dot.x)}
            cy={toY(dot.y)}
            r={index === at ? 8 : 5.5}
            fill={dot.color ?? runColor(runs[dot.run]!.run_id)}
            onPointerEnter={() => look(index)}
            onPointerLeave={() => look(null)}
            onClick={() => open(dot)}
          />
        ))}
      </svg>
      {here && (
        <div
          className={styles.tip}
          aria-hidden="true"
          style={{ left: toX(here.x), top: toY(here.y) }}
          data-left={here.x > 0.6 || undefined}
        >
          <b>{runs[here.run]!.name}</b>
          {shown.map((field) => (
            <div key={field.id}>
              <span>{field.name}</span> {writeValue(field.values[here.run])}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

/** Return where shares of the two scales are in pixels. */
export function placesOn(width: number): [(share: number) => number, (share: number) => number] {
  const across = width - MARGIN.left - MARGIN.right
  const down = PLANE_HEIGHT - MARGIN.top - MARGIN.bottom
  const inset = (share: number) => INSET + share * (1 - 2 * INSET)
  return [(share) => MARGIN.left + inset(share) * across, (share) => PLANE_HEIGHT - MARGIN.bottom - inset(share) * down]
}
