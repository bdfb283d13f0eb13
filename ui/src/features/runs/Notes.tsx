import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Button } from '@/components/Button'
import { TextArea } from '@/components/Field'
import { Empty, Failed, Loading, Notice } from '@/components/Notice'
import { SafeHtml } from '@/components/SafeHtml'
import { useToast } from '@/components/Toast'
import { useDraft } from '@/components/useDraft'
import styles from './runs.module.css'

const TAG = 'mlflow.note.content'
const MOST = 20_000

/** What somebody has written down about an experiment, in Markdown. */
export function Notes({ experimentId, text }: { experimentId: string; text: string }): ReactElement {
  const { t } = useTranslation('runs')
  const mayWrite = useMay('tracking:write')
  const [isEditing, setEditing] = useState(false)
  if (isEditing) return <Editor experimentId={experimentId} text={text} onClose={() => setEditing(false)} />
  const write = mayWrite && (
    <Button icon="edit" kind={text ? 'plain' : 'primary'} onClick={() => setEditing(true)}>
      {text ? t('notes.edit') : t('notes.write')}
    </Button>
  )
  if (!text) {
    return (
      <Empty icon="note" title={t('notes.none')}>
        <p>{t('notes.noneText')}</p>
        {write}
      </Empty>
    )
  }
  return (
    <div className={styles.notes}>
      <Rendered text={text} />
      <div className={styles.foot}>{write}</div>
    </div>
  )
}

function Rendered({ text }: { text: string }): ReactElement | null {
  const { data, error, refetch } = useQuery({
    queryKey: ['markdown', text],
    queryFn: ({ signal }) => unwrap(api.POST('/api/v1/markdown', { body: { text }, signal })),
    staleTime: Infinity,
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  return data ? <SafeHtml html={data.html} /> : <Loading />
}

function Editor({
  experimentId,
  text,
  onClose,
}: {
  experimentId: string
  text: string
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('runs')
  const client = useQueryClient()
  const toast = useToast()
  const [draft, setDraft, clear] = useDraft(`notes.${experimentId}`, text)
  const [isPreview, setPreview] = useState(false)
  const [wrong, setWrong] = useState<Error | null>(null)

  async function save(): Promise<void> {
    const params = { path: { experiment_id: experimentId, key: TAG } }
    try {
      await unwrap(api.PUT('/api/v1/experiments/{experiment_id}/tags/{key}', { params, body: { value: draft } }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return setWrong(error)
    }
    clear()
    await client.invalidateQueries({ queryKey: ['experiment', experimentId] })
    toast(t('notes.saved'))
    onClose()
  }
  return (
    <div className={styles.notes}>
      {isPreview ? (
        <Rendered text={draft} />
      ) : (
        <TextArea
          label={t('notes.label')}
          value={draft}
          maxLength={MOST}
          dir="auto"
          onChange={(event) => setDraft(event.target.value)}
        />
      )}
      {wrong && <Notice kind="bad">{wrong.message}</Notice>}
      <div className={styles.foot}>
        <Button kind="primary" onClick={() => void save()}>
          {t('notes.save')}
        </Button>
        <Button aria-pressed={isPreview} onClick={() => setPreview(!isPreview)}>
          {t('notes.preview')}
        </Button>
        <Button onClick={onClose}>{t('notes.cancel')}</Button>
        {draft !== text && (
          <Button
            kind="quiet"
            onClick={() => {
              clear()
              onClose()
            }}
          >
            {t('notes.discard')}
          </Button>
        )}
      </div>
    </div>
  )
}
