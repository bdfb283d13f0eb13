import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from '@/components/Button'
import { Check, inputClass } from '@/components/Field'
import type { IconName } from '@/components/Icon'
import { Popover } from '@/components/Menu'
import styles from './runs.module.css'

/** More than these are found by typing. */
const MOST = 200

/** A list to choose some of, in an order: the chosen stand first and can be moved. */
export function Chooser({
  label,
  icon,
  chosen,
  all,
  title,
  onChange,
  onReset,
  most = Infinity,
}: {
  label: string
  icon: IconName
  chosen: string[]
  all: string[]
  title: (id: string) => string
  onChange: (chosen: string[]) => void
  onReset: () => void
  most?: number
}): ReactElement {
  const { t } = useTranslation('runs')
  const [wanted, setWanted] = useState('')
  const fits = (id: string) => title(id).toLowerCase().includes(wanted.trim().toLowerCase())
  const others = all.filter((id) => !chosen.includes(id))
  const shown = [...chosen, ...others].filter(fits)
  function move(id: string, by: number): void {
    const next = chosen.filter((each) => each !== id)
    next.splice(Math.max(0, chosen.indexOf(id) + by), 0, id)
    onChange(next)
  }
  return (
    <Popover label={label} align="end" trigger={<Button icon={icon}>{label}</Button>}>
      <div className={styles.choose}>
        <input
          className={inputClass}
          aria-label={t('columns.find')}
          placeholder={t('columns.find')}
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
        <ul data-scrolls>
          {shown.slice(0, MOST).map((id) => {
            const place = chosen.indexOf(id)
            return (
              <li key={id}>
                <Check
                  label={title(id)}
                  checked={place >= 0}
                  disabled={place < 0 && chosen.length >= most}
                  onChange={() => onChange(place >= 0 ? chosen.filter((each) => each !== id) : [...chosen, id])}
                />
                {place >= 0 && (
                  <>
                    <IconButton
                      icon="up"
                      small
                      label={t('columns.up', { name: title(id) })}
                      disabled={place === 0}
                      onClick={() => move(id, -1)}
                    />
                    <IconButton
                      icon="down"
                      small
                      label={t('columns.down', { name: title(id) })}
                      disabled={place === chosen.length - 1}
                      onClick={() => move(id, 1)}
                    />
                  </>
                )}
              </li>
            )
          })}
        </ul>
        {shown.length > MOST && <p className={styles.count}>{t('columns.rest', { count: shown.length - MOST })}</p>}
        <footer>
          <span className={styles.count}>{t('columns.chosen', { count: chosen.length })}</span>
          <Button small onClick={onReset}>
            {t('columns.reset')}
          </Button>
        </footer>
      </div>
    </Popover>
  )
}
