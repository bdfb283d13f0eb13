import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Button, IconButton } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextArea, TextField } from '@/components/Field'
import { Card } from '@/components/Page'
import { useToast } from '@/components/Toast'
import styles from './run.module.css'
import type { Run } from './run'
import { useChange } from './useChange'

/** The tags that people have set; those of MLflow itself are told in their places. */
export function Tags({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation(['run', 'common'])
  const toast = useToast()
  const change = useChange(run.run_id)
  const mayWrite = useMay('tracking:write') && run.lifecycle_stage === 'active'
  const [edited, setEdited] = useState<{ key: string; value: string } | null>(null)
  const tags = Object.entries(run.tags ?? {})
    .filter(([key]) => !key.startsWith('mlflow.'))
    .sort(([one], [other]) => one.localeCompare(other))

  function set(key: string, value: string): Promise<unknown> {
    const params = { path: { run_id: run.run_id, key } }
    return unwrap(api.PUT('/api/v1/runs/{run_id}/tags/{key}', { params, body: { value } }))
  }

  async function remove(key: string, value: string): Promise<void> {
    const params = { path: { run_id: run.run_id, key } }
    const done = await change(() => unwrap(api.DELETE('/api/v1/runs/{run_id}/tags/{key}', { params })))
    const undo = { label: t('undo'), run: () => void change(() => set(key, value)) }
    if (done) toast(t('tagDeleted', { name: key }), { action: undo })
  }

  return (
    <Card title={t('tags')}>
      {tags.length === 0 && <p className={styles.dim}>{t('noTags')}</p>}
      <dl className={styles.tags}>
        {tags.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
            {mayWrite && (
              <dd className={styles.tools}>
                <IconButton
                  icon="edit"
                  small
                  label={t('editTag', { name: key })}
                  onClick={() => setEdited({ key, value })}
                />
                <IconButton
                  icon="trash"
                  small
                  label={t('deleteTag', { name: key })}
                  onClick={() => void remove(key, value)}
                />
              </dd>
            )}
          </div>
        ))}
      </dl>
      {mayWrite && (
        <Button small icon="plus" onClick={() => setEdited({ key: '', value: '' })}>
          {t('addTag')}
        </Button>
      )}
      {edited && (
        <FormDialog
          open
          onClose={() => setEdited(null)}
          title={edited.key ? t('editTag', { name: edited.key }) : t('addTag')}
          submit={t('common:save')}
          send={async (form) => {
            await set(edited.key || String(form.get('key')), String(form.get('value')))
            await change(() => Promise.resolve())
          }}
        >
          {!edited.key && <TextField label={t('name')} name="key" required maxLength={250} autoComplete="off" />}
          <TextArea label={t('value')} name="value" defaultValue={edited.value} rows={3} />
        </FormDialog>
      )}
    </Card>
  )
}
