import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Markdown } from '@/artifacts/Markdown'
import { Button } from '@/components/Button'
import { TextArea } from '@/components/Field'
import { Card } from '@/components/Page'
import { useDraft } from '@/components/useDraft'
import styles from './run.module.css'
import type { Run } from './run'
import { useChange } from './useChange'

const TAG = 'mlflow.note.content'

/** What people have written about a run, as Markdown. */
export function Note({ run }: { run: Run }): ReactElement | null {
  const { t } = useTranslation(['run', 'common'])
  const mayWrite = useMay('tracking:write') && run.lifecycle_stage === 'active'
  const [isEdited, setEdited] = useState(false)
  const note = run.tags?.[TAG] ?? ''
  if (isEdited) return <Editor run={run} note={note} onDone={() => setEdited(false)} />
  if (!note) {
    if (!mayWrite) return null
    return (
      <div>
        <Button small icon="note" onClick={() => setEdited(true)}>
          {t('addNote')}
        </Button>
      </div>
    )
  }
  return (
    <Card>
      <Markdown text={note} />
      {mayWrite && (
        <div className={styles.foot}>
          <Button small icon="edit" onClick={() => setEdited(true)}>
            {t('editNote')}
          </Button>
        </div>
      )}
    </Card>
  )
}

function Editor({ run, note, onDone }: { run: Run; note: string; onDone: () => void }): ReactElement {
  const { t } = useTranslation(['run', 'common'])
  const change = useChange(run.run_id)
  const [text, setText, forget] = useDraft(`note.${run.run_id}`, note)

  async function save(): Promise<void> {
    const params = { path: { run_id: run.run_id, key: TAG } }
    const done = await change(() =>
      unwrap(api.PUT('/api/v1/runs/{run_id}/tags/{key}', { params, body: { value: text } })),
    )
    if (done) close()
  }

  function close(): void {
    forget()
    onDone()
  }

  return (
    <Card>
      <TextArea
        label={t('note')}
        hint={t('noteHint')}
        rows={10}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className={styles.foot}>
        <Button kind="primary" onClick={() => void save()}>
          {t('common:save')}
        </Button>
        <Button onClick={close}>{t('common:cancel')}</Button>
      </div>
    </Card>
  )
}
