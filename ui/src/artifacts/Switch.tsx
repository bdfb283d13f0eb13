import type { ReactElement } from 'react'
import { Button } from '@/components/Button'
import styles from './artifacts.module.css'

/** One of a few ways to look at something. */
export function Switch<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string
  value: T
  choices: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}): ReactElement {
  return (
    <div className={styles.switch} role="group" aria-label={label}>
      {choices.map(([each, text]) => (
        <Button key={each} small aria-pressed={each === value} onClick={() => onChange(each)}>
          {text}
        </Button>
      ))}
    </div>
  )
}
