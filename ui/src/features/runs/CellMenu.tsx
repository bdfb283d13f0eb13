import { useEffect, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { Popover } from '@/components/Menu'
import { useToast } from '@/components/Toast'
import { NUMBERS } from './columns'
import { parts, says, subjectOf } from './filter'
import styles from './runs.module.css'

export interface PickedCell {
  id: string
  value: string
  element: HTMLElement
}

/** What a click on a value offers: runs with it alone, runs without it, and the value whole. */
export function CellMenu({
  cell,
  title,
  onFilter,
  onClose,
}: {
  cell: PickedCell
  title: string
  onFilter: (clause: string) => void
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('runs')
  const toast = useToast()
  const place = cell.element.getBoundingClientRect()
  const back = useRef(cell.element)
  useEffect(() => {
    const element = back.current
    return () => element.focus({ preventScroll: true })
  }, [])
  function filter(clause: string): void {
    onFilter(clause)
    onClose()
  }
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(cell.value)
    toast(t('cell.copied'))
    onClose()
  }
  const isNumber = NUMBERS.includes(parts(cell.id)[0]) || cell.id.endsWith('_time')
  const subject = subjectOf(cell.id)
  const isOrdered = isNumber && cell.value !== 'NaN'
  return (
    <Popover
      open
      onOpenChange={(open) => !open && onClose()}
      label={title}
      trigger={<span className={styles.anchor} style={{ left: place.left, top: place.bottom }} aria-hidden="true" />}
    >
      <div className={styles.cellMenu}>
        <p dir="auto">{cell.value.slice(0, 2000)}</p>
        {isOrdered && (
          <>
            <Button kind="quiet" small icon="up" onClick={() => filter(`${subject} >= ${cell.value}`)}>
              {t('cell.atLeast')}
            </Button>
            <Button kind="quiet" small icon="down" onClick={() => filter(`${subject} <= ${cell.value}`)}>
              {t('cell.atMost')}
            </Button>
          </>
        )}
        {!isNumber && (
          <>
            <Button kind="quiet" small icon="check" onClick={() => filter(says(cell.id, true, cell.value))}>
              {t('cell.only')}
            </Button>
            <Button kind="quiet" small icon="close" onClick={() => filter(says(cell.id, false, cell.value))}>
              {t('cell.not')}
            </Button>
          </>
        )}
        <Button kind="quiet" small icon="copy" onClick={() => void copy()}>
          {t('cell.copy')}
        </Button>
      </div>
    </Popover>
  )
}
