import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { formatNumber } from '@/components/format'
import styles from './charts.module.css'
import { useLook } from './cursor'
import { valueAt } from './curves'
import type { Picture } from './draw'
import { columnsOf } from './looking'
import type { XAxis } from './settings'
import { formatPlace } from './words'

const MOST = 10

/** The values where one looks: the run that is lifted, and those around it. */
export function Readout({ panel, picture, x }: { panel: string; picture: Picture; x: XAxis }): ReactElement | null {
  const { t } = useTranslation('charts')
  const look = useLook()
  if (look.x === null || look.panel !== panel) return null
  const rows = columnsOf(picture)
    .map(({ id, name, color, xs, ys }) => ({ id, name, color, value: valueAt(xs, ys, look.x!) }))
    .filter(({ value }) => !Number.isNaN(value))
    .toSorted((a, b) => b.value - a.value)
  const shown = around(rows, look.id)
  const side = look.x > (picture.x[0] + picture.x[1]) / 2 ? styles.left : styles.right
  return (
    <div className={`${styles.readout} ${side}`} aria-hidden="true">
      <div className={styles.place}>{formatPlace(x, look.x)}</div>
      {shown.map(({ id, name, color, value }) => (
        <div key={id} className={styles.value} data-lifted={id === look.id || undefined}>
          <i style={{ background: color }} />
          <span>{name}</span>
          <b>{formatNumber(value)}</b>
        </div>
      ))}
      {rows.length > shown.length && (
        <div className={styles.place}>{t('more', { count: rows.length - shown.length })}</div>
      )}
    </div>
  )
}

/** Return at most MOST rows around the lifted one. */
function around<T extends { id: string }>(rows: T[], id: string | null): T[] {
  const at = Math.max(
    0,
    rows.findIndex((row) => row.id === id),
  )
  const start = Math.max(0, Math.min(at - MOST / 2, rows.length - MOST))
  return rows.slice(start, start + MOST)
}

/** The lifted run's value in a panel that does not have the pointer. */
export function LiftedValue({ panel, picture }: { panel: string; picture: Picture }): ReactElement | null {
  const look = useLook()
  if (look.x === null || look.panel === panel) return null
  const column = columnsOf(picture).find(({ id }) => id === look.id)
  const value = column ? valueAt(column.xs, column.ys, look.x) : NaN
  if (!column || Number.isNaN(value)) return null
  return (
    <span className={styles.lifted} aria-hidden="true">
      <i style={{ background: column.color }} />
      {formatNumber(value)}
    </span>
  )
}
