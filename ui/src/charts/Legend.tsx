import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import styles from './charts.module.css'
import { useCursor, useLook } from './cursor'

const FEW = 12

/** Which colour is which run or group; looking at one lifts it in all panels. */
export function Legend({ entries }: { entries: { id: string; name: string; color: string }[] }): ReactElement | null {
  const { t } = useTranslation('charts')
  const cursor = useCursor()
  const look = useLook()
  const [isOpen, setOpen] = useState(false)
  if (entries.length < 2) return null
  const shown = isOpen ? entries : entries.slice(0, FEW)
  const lift = (id: string | null) => cursor.set({ id, panel: null, x: null })
  return (
    <div className={styles.legend} role="group" aria-label={t('legend')}>
      {shown.map(({ id, name, color }) => (
        <button
          key={id}
          type="button"
          className={styles.key}
          data-lifted={look.id === id || undefined}
          onPointerEnter={() => lift(id)}
          onPointerLeave={() => lift(null)}
          onFocus={() => lift(id)}
          onBlur={() => lift(null)}
        >
          <i style={{ background: color }} />
          <span>{name}</span>
        </button>
      ))}
      {entries.length > FEW && (
        <Button kind="quiet" small aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? t('fewer') : t('more', { count: entries.length - FEW })}
        </Button>
      )}
    </div>
  )
}
