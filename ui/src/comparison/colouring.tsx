import type { ReactElement } from 'react'
import { groupColor } from '@/charts/usePicture'
import { axisNumber } from '@/charts/words'
import styles from './comparison.module.css'
import { makeScale, type Field } from './fields'
import { RAMP, rampColor } from './ramp'

/** Return the colour of each run by a field: along a ramp for numbers, one each for words. */
export function colorsOf(field: Field | undefined): (string | null)[] {
  if (!field) return []
  const { place, ticks } = makeScale(field)
  if (field.isNumeric) {
    return field.values.map((value) => {
      const at = place(value)
      return at === null ? null : rampColor(at)
    })
  }
  const words = ticks.map(({ value }) => String(value))
  return field.values.map((value) => (value === null ? null : groupColor(Math.max(0, words.indexOf(String(value))))))
}

/** What the colours stand for. */
export function ColorKey({ field }: { field: Field | undefined }): ReactElement | null {
  if (!field) return null
  const { ticks } = makeScale(field)
  if (!field.isNumeric) {
    return (
      <div className={styles.colorKey}>
        <b>{field.name}</b>
        {ticks.map(({ value }, index) => (
          <span key={value}>
            <i style={{ background: groupColor(index) }} /> {value}
          </span>
        ))}
      </div>
    )
  }
  const known = field.values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  return (
    <div className={styles.colorKey}>
      <b>{field.name}</b>
      <span>{axisNumber(Math.min(...known))}</span>
      <div className={styles.ramp} style={{ background: RAMP }} />
      <span>{axisNumber(Math.max(...known))}</span>
    </div>
  )
}
