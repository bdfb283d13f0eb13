import type { ReactElement } from 'react'
import { place } from '@/api/place'
import { runColor } from '@/charts/colors'
import { formatDuration, formatNumber, formatTime, isDate } from '@/components/format'
import { Icon, type IconName } from '@/components/Icon'
import { Took } from '@/components/Time'
import { toNumber, valueOf, type Run } from './columns'
import type { Curve } from './data'
import { parts } from './filter'
import styles from './runs.module.css'

/** So much of a text is in the page; all of it is in the run. */
const MOST_TEXT = 200
const STATUS_ICONS: Record<Run['status'], IconName> = {
  RUNNING: 'play',
  SCHEDULED: 'clock',
  FINISHED: 'check',
  FAILED: 'warning',
  KILLED: 'stop',
}

export function runAddress(runId: string): string {
  return `${place.base}/runs/${runId}`
}

/** A value of a run in the table. It is drawn hundreds of times while one scrolls, so it has no state and no tooltip. */
export function RunCell({
  run,
  id,
  status,
  curve,
}: {
  run: Run
  id: string
  status: string
  curve: Curve | undefined
}): ReactElement | null {
  const [kind, key] = parts(id)
  if (kind === 'curve') return curve ? <Sparkline values={curve.values} /> : null
  if (kind === 'min' || kind === 'max') return curve ? <Figure value={curve[kind]} /> : null
  if (id === 'attributes.status') {
    return (
      <span className={`${styles.status} ${styles[run.status]}`}>
        <Icon name={STATUS_ICONS[run.status]} size={13} />
        {status}
      </span>
    )
  }
  if (id === 'attributes.duration') {
    if (run.status === 'RUNNING' && !run.ended_at) return <Took from={run.started_at} to={run.ended_at} />
    return run.started_at && run.ended_at ? <>{formatDuration(run.ended_at - run.started_at)}</> : null
  }
  const value = valueOf(run, id)
  if (value === undefined) return <span className={styles.nothing}>–</span>
  if (key.endsWith('_time') && kind === 'attributes') return <>{shortTime(Number(value))}</>
  if (kind === 'metrics') return <Figure value={toNumber(value)} />
  return <Text value={value} />
}

export function Text({ value }: { value: string }): ReactElement {
  return (
    <span className={styles.value} dir="auto" title={value.slice(0, 10 * MOST_TEXT)}>
      {value.slice(0, MOST_TEXT)}
    </span>
  )
}

export function Figure({ value }: { value: number }): ReactElement {
  if (value === Infinity) return <span title="Infinity">∞</span>
  if (value === -Infinity) return <span title="-Infinity">−∞</span>
  return <span title={String(value)}>{formatNumber(value)}</span>
}

export function Dot({ runId, isHidden }: { runId: string; isHidden: boolean }): ReactElement {
  return (
    <span
      className={styles.dot}
      style={isHidden ? { boxShadow: `inset 0 0 0 2px ${runColor(runId)}` } : { background: runColor(runId) }}
    />
  )
}

const WIDTH = 116
const HEIGHT = 22

function Sparkline({ values }: { values: number[] }): ReactElement {
  const numbers = values.filter((value) => Number.isFinite(toNumber(value)))
  const low = Math.min(...numbers)
  const height = Math.max(...numbers) - low || 1
  let path = ''
  let isDown = false
  values.forEach((value, place) => {
    if (!Number.isFinite(toNumber(value))) {
      isDown = false
      return
    }
    const x = values.length > 1 ? (place / (values.length - 1)) * WIDTH : WIDTH / 2
    const y = 2 + (1 - (value - low) / height) * (HEIGHT - 4)
    path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    if (!isDown && values.length === 1) path += 'h0.1'
    isDown = true
  })
  return (
    <svg className={styles.spark} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path d={path} />
    </svg>
  )
}

/** A time to the minute, the same length in every row: `2026-11-21 16:04`. */
export function shortTime(ms: number): string {
  if (!isDate(ms)) return formatTime(ms)
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16).replace('T', ' ')
}
