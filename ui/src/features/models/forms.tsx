/** Dialogs that make, rename and delete models and versions. */
import { useNavigate } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { Trans, useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { FormDialog } from '@/components/Dialog'
import { Check, SelectField, TextArea, TextField } from '@/components/Field'
import { useDraft } from '@/components/useDraft'
import { useRefresh } from './data'
import { ACTIVE, STAGES, type Stage } from './models'
import styles from './models.module.css'

interface Opened {
  open: boolean
  onClose: () => void
}

export function NewModel(opened: Opened): ReactElement {
  const { t } = useTranslation('models')
  const navigate = useNavigate()
  const [name, setName, forgetName] = useDraft('new-model.name', '')
  const [description, setDescription, forget] = useDraft('new-model.description', '')
  async function send(): Promise<void> {
    const body = { name: name.trim(), description: description || null }
    const made = await unwrap(api.POST('/api/v1/models', { body }))
    forgetName()
    forget()
    await navigate({ to: '/models/$name', params: { name: made.name } })
  }
  return (
    <FormDialog {...opened} title={t('create.title')} submit={t('create.submit')} send={send}>
      <div className={styles.fields}>
        <TextField
          label={t('name')}
          hint={t('create.nameHint')}
          required
          maxLength={256}
          autoComplete="off"
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
        <TextArea
          label={t('description')}
          hint={t('create.descriptionHint')}
          value={description}
          onChange={({ target }) => setDescription(target.value)}
        />
      </div>
    </FormDialog>
  )
}

export function RenameModel({ name, ...opened }: Opened & { name: string }): ReactElement {
  const { t } = useTranslation('models')
  const navigate = useNavigate()
  async function send(form: FormData): Promise<void> {
    const body = { name: String(form.get('name')).trim() }
    const { name: renamed } = await unwrap(api.PATCH('/api/v1/models/{name}', { params: { path: { name } }, body }))
    await navigate({ to: '/models/$name', params: { name: renamed }, replace: true })
  }
  return (
    <FormDialog
      {...opened}
      title={t('rename.title', { name })}
      description={t('rename.text')}
      submit={t('rename.submit')}
      send={send}
    >
      <div className={styles.fields}>
        <TextField label={t('name')} name="name" required maxLength={256} defaultValue={name} autoComplete="off" />
      </div>
    </FormDialog>
  )
}

/** Asks for the name of what is to be deleted, and deletes it when that was typed. */
export function DeleteNamed({
  name,
  title,
  text,
  send,
  ...opened
}: Opened & { name: string; title: string; text: string; send: () => Promise<unknown> }): ReactElement {
  const { t } = useTranslation('models')
  const [typed, setTyped] = useState('')
  const [isWrong, setWrong] = useState(false)
  async function check(): Promise<void> {
    setWrong(typed !== name)
    if (typed === name) await send()
    else throw new ApiError(400, { detail: t('delete.mistyped', { name }) })
  }
  return (
    <FormDialog {...opened} title={title} description={text} submit={title} danger send={check}>
      <div className={styles.fields}>
        <p>
          <Trans t={t} i18nKey="delete.type" values={{ name }} components={{ b: <strong className={styles.wrap} /> }} />
        </p>
        <TextField
          label={t('delete.name')}
          value={typed}
          aria-invalid={isWrong || undefined}
          autoComplete="off"
          required
          onChange={({ target }) => setTyped(target.value)}
        />
      </div>
    </FormDialog>
  )
}

/** Point an alias at a version, a new one or one that leads elsewhere now. */
export function SetAlias({
  name,
  version,
  aliases,
  ...opened
}: Opened & { name: string; version: number; aliases: Record<string, number> }): ReactElement {
  const { t } = useTranslation('models')
  const refresh = useRefresh()
  const [alias, setAlias] = useState('')
  const led = aliases[alias]
  async function send(): Promise<void> {
    const params = { path: { name, alias } }
    await unwrap(api.PUT('/api/v1/models/{name}/aliases/{alias}', { params, body: { version } }))
    await refresh()
  }
  return (
    <FormDialog
      {...opened}
      title={t('alias.title', { version })}
      description={t('alias.text')}
      submit={led === undefined ? t('alias.submit') : t('alias.move')}
      send={send}
    >
      <div className={styles.fields}>
        <TextField
          label={t('alias.name')}
          hint={led === undefined ? t('alias.hint') : t('alias.moves', { from: led, to: version })}
          value={alias}
          onChange={({ target }) => setAlias(target.value.trim())}
          list="known-aliases"
          required
          pattern="[\w\-]+"
          maxLength={255}
          autoComplete="off"
        />
        <datalist id="known-aliases">
          {Object.keys(aliases).map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </div>
    </FormDialog>
  )
}

/** Set the stage of a version, or ask for it where somebody else decides. */
export function ChangeStage({
  name,
  version,
  stage,
  mayDecide,
  ...opened
}: Opened & { name: string; version: number; stage: Stage; mayDecide: boolean }): ReactElement {
  const { t } = useTranslation('models')
  const refresh = useRefresh()
  const others = STAGES.filter((each) => each !== stage)
  const [wanted, setWanted] = useState<string>(stage === 'None' ? 'Staging' : others[0]!)
  const isActive = ACTIVE.includes(wanted)
  async function send(form: FormData): Promise<void> {
    const archive = isActive && form.get('archive') === 'on'
    const params = { path: { name, version } }
    if (mayDecide) {
      const body = { stage: wanted, archive_existing: archive }
      await unwrap(api.PATCH('/api/v1/models/{name}/versions/{version}', { params, body }))
    } else {
      const body = { stage: wanted, archive_existing: archive, comment: String(form.get('comment')) }
      await unwrap(api.POST('/api/v1/models/{name}/versions/{version}/requests', { params, body }))
    }
    await refresh()
  }
  return (
    <FormDialog
      {...opened}
      title={t(mayDecide ? 'stage.set' : 'stage.ask', { version })}
      description={t(mayDecide ? 'stage.setText' : 'stage.askText')}
      submit={t(mayDecide ? 'stage.setSubmit' : 'stage.askSubmit')}
      send={send}
    >
      <div className={styles.fields}>
        <SelectField
          label={t('stage.title')}
          value={wanted}
          choices={others.map((each) => [each, t(`stages.${each}`)] as const)}
          onChange={({ target }) => setWanted(target.value)}
        />
        {isActive && <Check label={t('stage.archive')} name="archive" />}
        {!mayDecide && <TextArea label={t('comment')} name="comment" maxLength={4000} />}
      </div>
    </FormDialog>
  )
}
