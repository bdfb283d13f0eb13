import type { ReactElement } from 'react'
import { formatNumber } from '@/components/format'
import styles from './charts.module.css'
import { useCursor, useLook } from './cursor'

export interface Bar {
  id: string
  name: string
  color: string
  value: number
  /** The standard deviation, of a group. */
  std?: number
}

/** Metrics that have one point for each run: a bar each, the greatest first; of a single run the number itself. */
export function BarPanel({ bars, title }: { bars: Bar[]; title: string }): ReactElement {
  const cursor = useCursor()
  const look = useLook()
  const [only] = bars
  if (bars.length === 1 && only) {
    return (
      <div className={styles.single}>
        <b>{formatNumber(only.value)}</b>
        <span>{only.name}</span>
      </div>
    )
  }
  const finite = bars.map(({ value }) => value).filter(Number.isFinite)
  const low = Math.min(0, ...finite)
  const high = Math.max(0, ...finite)
  const share = (value: number) => ((value - low) / (high - low || 1)) * 100
  return (
    // What scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <ul className={styles.bars} data-scrolls tabIndex={0} aria-label={title}>
      {bars
        .toSorted((a, b) => (b.value || -Infinity) - (a.value || -Infinity))
        .map(({ id, name, color, value, std }) => (
          <li
            key={id}
            data-lifted={look.id === id || undefined}
            data-faded={(look.id !== null && look.id !== id && bars.some((bar) => bar.id === look.id)) || undefined}
            onPointerEnter={() => cursor.set({ id })}
            onPointerLeave={() => cursor.clear()}
          >
            <span title={name}>{name}</span>
            <div className={styles.track}>
              {Number.isFinite(value) && (
                <i
                  style={{
                    background: color,
                    left: `${share(Math.min(0, value))}%`,
                    width: `${share(Math.max(0, value)) - share(Math.min(0, value))}%`,
                  }}
                />
              )}
            </div>
            <b>
              {formatNumber(value)}
              {std !== undefined && <small> ± {formatNumber(std)}</small>}
            </b>
          </li>
        ))}
    </ul>
  )
}
