import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge, type BadgeKind } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import type { IconName } from '@/components/Icon'
import { useToast } from '@/components/Toast'
import { ApiError } from '@/api/client'
import { tagFilter, type Stage } from './models'
import styles from './models.module.css'

const LOOKS: Record<Stage, [BadgeKind, IconName]> = {
  None: ['plain', 'minus'],
  Staging: ['warn', 'clock'],
  Production: ['good', 'check'],
  Archived: ['plain', 'folder'],
}

export function StageBadge({ stage }: { stage: Stage }): ReactElement {
  const { t } = useTranslation('models')
  const [kind, icon] = LOOKS[stage]
  return (
    <Badge kind={kind} icon={icon}>
      {t(`stages.${stage}`)}
    </Badge>
  )
}

export function Alias({ name }: { name: string }): ReactElement {
  return <Badge kind="accent">@{name}</Badge>
}

/** Tags, and with `set` and `remove` ways to change them. */
export function Tags({
  tags,
  set,
  remove,
  isFound = false,
}: {
  tags: Record<string, string>
  set?: (key: string, value: string) => Promise<unknown>
  remove?: (key: string) => Promise<unknown>
  /** They lead to the models that have them. */
  isFound?: boolean
}): ReactElement {
  const { t } = useTranslation('models')
  const [editing, setEditing] = useState<[string, string] | null>(null)
  const toast = useToast()
  const shown = Object.entries(tags).filter(([key]) => !key.startsWith('mlflow.'))

  async function drop(key: string, value: string): Promise<void> {
    try {
      await remove?.(key)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return toast(error.message, { kind: 'bad' })
    }
    toast(t('tags.deleted', { key }), { action: { label: t('undo'), run: () => void set?.(key, value) } })
  }

  return (
    <div className={styles.chips}>
      {shown.map(([key, value]) => (
        <span key={key} className={styles.chip}>
          {set ? (
            <button type="button" className={tagButton} onClick={() => setEditing([key, value])}>
              <Badge>{tagText(key, value)}</Badge>
              <span className="visually-hidden">{t('tags.edit', { key })}</span>
            </button>
          ) : (
            <Tag name={key} value={value} isFound={isFound} />
          )}
          {remove && (
            <IconButton icon="close" small label={t('tags.delete', { key })} onClick={() => void drop(key, value)} />
          )}
        </span>
      ))}
      {set && (
        <Button small kind="quiet" icon="plus" onClick={() => setEditing(['', ''])}>
          {t('tags.add')}
        </Button>
      )}
      {set && editing && (
        <FormDialog
          open
          onClose={() => setEditing(null)}
          title={editing[0] ? t('tags.edit', { key: editing[0] }) : t('tags.add')}
          submit={t('save', { ns: 'common' })}
          send={(form) => set(editing[0] || String(form.get('key')).trim(), String(form.get('value')))}
        >
          <div className={styles.fields}>
            {!editing[0] && <TextField label={t('tags.key')} name="key" required maxLength={250} autoComplete="off" />}
            <TextField label={t('tags.value')} name="value" defaultValue={editing[1]} autoComplete="off" />
          </div>
        </FormDialog>
      )}
      {!set && shown.length === 0 && <span className={styles.dim}>–</span>}
    </div>
  )
}

function Tag({ name, value, isFound }: { name: string; value: string; isFound: boolean }): ReactElement {
  const badge = <Badge>{tagText(name, value)}</Badge>
  if (!isFound) return badge
  return (
    <Link to="/models" search={{ q: tagFilter(name, value) }} className={styles.tag}>
      {badge}
    </Link>
  )
}

function tagText(key: string, value: string): string {
  return value ? `${key}: ${value}` : key
}

const tagButton = styles.tagButton!
