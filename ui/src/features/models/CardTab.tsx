import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { place } from '@/api/place'
import { Badge } from '@/components/Badge'
import { Button, buttonClass } from '@/components/Button'
import { TextArea } from '@/components/Field'
import { Empty, Failed, Loading, Notice } from '@/components/Notice'
import { Card } from '@/components/Page'
import { SafeHtml } from '@/components/SafeHtml'
import { useToast } from '@/components/Toast'
import { useDraft } from '@/components/useDraft'
import { useRefresh } from './data'
import type { Model } from './models'
import styles from './models.module.css'

const LONGEST = 100_000
const PAUSE_MS = 200

const TEMPLATE = `---
license: Apache-2.0
tags: []
---

## What it is for

## How it was made

## Limits
`

/** The model card, which is the model's description: Markdown with YAML front matter. */
export function CardTab({ model }: { model: Model }): ReactElement {
  const { t } = useTranslation('models')
  const { edit } = useSearch({ from: '/models/$name' })
  const mayWrite = useMay('registry:write')
  const card = model.description ?? ''
  if (edit && mayWrite) return <Editor model={model} />
  const editLink = mayWrite && (
    <Link
      from="/models/$name"
      to="."
      search={(now) => ({ ...now, edit: true as const })}
      className={buttonClass({ kind: card ? 'plain' : 'primary' })}
    >
      {t(card ? 'card.edit' : 'card.write')}
    </Link>
  )
  if (!card.trim()) {
    return (
      <Empty icon="note" title={t('card.none')}>
        <p>{t('card.noneText')}</p>
        {editLink}
      </Empty>
    )
  }
  return (
    <>
      {editLink && <div className={styles.tools}>{editLink}</div>}
      <Rendered text={card} />
    </>
  )
}

function useRendered(text: string) {
  return useQuery({
    queryKey: ['markdown', text],
    queryFn: ({ signal }) => unwrap(api.POST('/api/v1/markdown', { body: { text }, signal })),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  })
}

function Rendered({ text }: { text: string }): ReactElement {
  const { data, error, refetch } = useRendered(text)
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  const hasFacts = Object.keys(data.metadata).length + data.warnings.length > 0
  return (
    <div className={hasFacts ? styles.card : styles.stack}>
      <Card>
        <SafeHtml html={data.html} />
      </Card>
      {hasFacts && <Facts card={data} />}
    </div>
  )
}

/** What the front matter says, and what is wrong with it. */
function Facts({ card: { metadata, warnings } }: { card: Schemas['RenderedMarkdown'] }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <div className={styles.stack}>
      {warnings.map(({ field, message }) => (
        <Notice key={`${field}${message}`} kind="warn">
          {message}
        </Notice>
      ))}
      {Object.keys(metadata).length > 0 && (
        <Card title={t('card.metadata')}>
          <dl className={styles.about}>
            {Object.entries(metadata).map(([key, value]) => (
              <Fact key={key} name={key} value={value} />
            ))}
          </dl>
        </Card>
      )}
    </div>
  )
}

function Fact({ name, value }: { name: string; value: unknown }): ReactElement {
  return (
    <>
      <dt>{name}</dt>
      <dd>{factText(value)}</dd>
    </>
  )
}

function factText(value: unknown): ReactNode {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' || typeof each === 'number')) {
    return (
      <span className={styles.chips}>
        {value.map((each, place) => (
          <Badge key={place}>{each}</Badge>
        ))}
      </span>
    )
  }
  if (typeof value === 'string') return value
  return <code className={styles.wrap}>{JSON.stringify(value)}</code>
}

function Editor({ model }: { model: Model }): ReactElement {
  const { t } = useTranslation('models')
  const navigate = useNavigate({ from: '/models/$name' })
  const refresh = useRefresh()
  const toast = useToast()
  const key = `card.${place.project ?? ''}.${model.name}`
  const card = model.description ?? ''
  const [text, setText, forget] = useDraft(key, card || TEMPLATE)
  // What the draft began with: what somebody else saves meanwhile must not be lost unseen.
  const [begun] = useState(card)
  const [wrong, setWrong] = useState<string | null>(null)
  const [isSaving, setSaving] = useState(false)
  const shown = usePaused(useDeferredValue(text))
  const preview = useRendered(shown)

  async function leave(): Promise<void> {
    await navigate({ search: (now) => ({ ...now, edit: undefined }), replace: true })
  }

  async function save(): Promise<void> {
    setSaving(true)
    setWrong(null)
    try {
      const params = { path: { name: model.name } }
      await unwrap(api.PATCH('/api/v1/models/{name}', { params, body: { description: text } }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return setWrong(error.message)
    } finally {
      setSaving(false)
    }
    forget()
    await refresh()
    toast(t('card.saved'))
    await leave()
  }

  return (
    <section aria-label={t('card.edit')} className={styles.stack}>
      {begun !== card && <Notice kind="warn">{t('card.changed')}</Notice>}
      {wrong && <Notice kind="bad">{wrong}</Notice>}
      <div className={styles.editor}>
        <TextArea
          label={t('card.text')}
          hint={t('card.hint')}
          value={text}
          spellCheck
          maxLength={LONGEST}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save()
          }}
        />
        <div className={styles.preview} role="region" aria-label={t('card.preview')}>
          <div className={styles.previewTitle}>{t('card.preview')}</div>
          {preview.error && <Notice kind="bad">{preview.error.message}</Notice>}
          {preview.data && <Facts card={preview.data} />}
          <div className={styles.previewed}>{preview.data && <SafeHtml html={preview.data.html} />}</div>
        </div>
      </div>
      <div className={styles.tools}>
        <Button kind="primary" disabled={isSaving} onClick={() => void save()}>
          {t('save', { ns: 'common' })}
        </Button>
        <Button
          onClick={() => {
            forget()
            void leave()
          }}
        >
          {t('card.discard')}
        </Button>
      </div>
    </section>
  )
}

/** The value once it has not changed for a moment. */
function usePaused(value: string): string {
  const [paused, setPaused] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [value])
  return paused
}
