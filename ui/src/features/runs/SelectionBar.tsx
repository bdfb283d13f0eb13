import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/me'
import { Button, buttonClass } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { useBulk } from './bulk'
import styles from './runs.module.css'

/** What can be done with the runs that are selected. */
export function SelectionBar({
  experimentId,
  selected,
  isDeleted,
  onSelect,
}: {
  experimentId: string
  selected: string[]
  isDeleted: boolean
  onSelect: (ids: string[]) => void
}): ReactElement {
  const { t } = useTranslation('runs')
  const mayWrite = useMay('tracking:write')
  const bulk = useBulk(experimentId)
  const [isTagging, setTagging] = useState(false)
  const { progress } = bulk
  async function change(act: (ids: string[]) => Promise<void>): Promise<void> {
    await act(selected)
    onSelect([])
  }
  return (
    <div className={styles.selected} role="group" aria-label={t('bulk.label')}>
      <strong>{t('bulk.selected', { count: selected.length })}</strong>
      <Link to="/compare" search={{ runs: selected.join(',') }} className={buttonClass({ small: true })}>
        <Icon name="compare" />
        {t('bulk.compare')}
      </Link>
      {mayWrite && (
        <>
          {!isDeleted && (
            <Button small icon="tag" disabled={progress !== null} onClick={() => setTagging(true)}>
              {t('bulk.tag')}
            </Button>
          )}
          {isDeleted ? (
            <Button small icon="restore" disabled={progress !== null} onClick={() => void change(bulk.restore)}>
              {t('bulk.restore')}
            </Button>
          ) : (
            <Button
              small
              icon="trash"
              kind="danger"
              disabled={progress !== null}
              onClick={() => void change(bulk.remove)}
            >
              {t('bulk.delete', { count: selected.length })}
            </Button>
          )}
        </>
      )}
      <Button small kind="quiet" icon="close" onClick={() => onSelect([])}>
        {t('bulk.clear')}
      </Button>
      {progress && (
        <>
          <progress value={progress.done} max={progress.all} aria-label={t('bulk.progress')} />
          <span role="status">{t('bulk.done', progress)}</span>
        </>
      )}
      <FormDialog
        open={isTagging}
        onClose={() => setTagging(false)}
        title={t('bulk.tagTitle', { count: selected.length })}
        submit={t('bulk.tag')}
        send={(form) => {
          void bulk.tag(selected, String(form.get('key')).trim(), String(form.get('value')))
          return Promise.resolve()
        }}
      >
        <TextField label={t('bulk.key')} name="key" required maxLength={250} autoComplete="off" />
        <TextField label={t('bulk.value')} name="value" maxLength={8000} autoComplete="off" />
      </FormDialog>
    </div>
  )
}
