import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { IconButton } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { Menu, MenuItem } from '@/components/Menu'
import { useToast } from '@/components/Toast'
import { useDraft } from '@/components/useDraft'
import type { Experiment } from './tree'

const MOST = 500

export function CreateDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }): ReactElement {
  const { t } = useTranslation('experiments')
  const client = useQueryClient()
  const navigate = useNavigate()
  const [name, setName, clear] = useDraft('experiment', '')
  async function send(): Promise<void> {
    const made = await unwrap(api.POST('/api/v1/experiments', { body: { name: name.trim(), tags: {} } }))
    clear()
    setName('')
    await client.invalidateQueries({ queryKey: ['experiments'] })
    void navigate({ to: '/experiments/$experimentId', params: { experimentId: made.experiment_id } })
  }
  return (
    <FormDialog open={isOpen} onClose={onClose} title={t('create')} submit={t('create')} send={send}>
      <TextField
        label={t('name')}
        hint={t('nameHint')}
        value={name}
        onChange={(event) => setName(event.target.value)}
        required
        maxLength={MOST}
        autoComplete="off"
      />
    </FormDialog>
  )
}

export function RenameDialog({
  experiment,
  onClose,
}: {
  experiment: Experiment | null
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('experiments')
  const client = useQueryClient()
  async function send(form: FormData): Promise<void> {
    const params = { path: { experiment_id: experiment!.experiment_id } }
    const body = { name: String(form.get('name')).trim() }
    await unwrap(api.PATCH('/api/v1/experiments/{experiment_id}', { params, body }))
    await client.invalidateQueries({ queryKey: ['experiments'] })
  }
  return (
    <FormDialog
      open={experiment !== null}
      onClose={onClose}
      title={t('renameTitle', { name: experiment?.name.slice(0, 100) })}
      submit={t('rename')}
      send={send}
    >
      <TextField
        label={t('name')}
        hint={t('nameHint')}
        name="name"
        defaultValue={experiment?.name}
        required
        maxLength={MOST}
        autoComplete="off"
      />
    </FormDialog>
  )
}

/** What can be done with an experiment; deleting it can be undone. */
export function ExperimentMenu({
  experiment,
  onRename,
}: {
  experiment: Experiment
  onRename: () => void
}): ReactElement {
  const { t } = useTranslation('experiments')
  const client = useQueryClient()
  const toast = useToast()
  const { name } = experiment
  const params = { path: { experiment_id: experiment.experiment_id } }
  const isDeleted = experiment.lifecycle_stage === 'deleted'

  async function change(act: () => Promise<unknown>, told: string, undo: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return toast(error.message, { kind: 'bad' })
    }
    await client.invalidateQueries({ queryKey: ['experiments'] })
    toast(told, { action: { label: t('undo'), run: () => void undo() } })
  }
  async function remove(): Promise<void> {
    const act = () => unwrap(api.DELETE('/api/v1/experiments/{experiment_id}', { params }))
    await change(act, t('isDeleted', { name }), restore)
  }
  async function restore(): Promise<void> {
    const act = () => unwrap(api.POST('/api/v1/experiments/{experiment_id}/restore', { params }))
    await change(act, t('isRestored', { name }), remove)
  }
  return (
    <Menu
      trigger={
        <IconButton icon="more" small tabIndex={-1} data-focus label={t('menu', { name: name.slice(0, 100) })} />
      }
    >
      {isDeleted ? (
        <MenuItem icon="restore" onSelect={() => void restore()}>
          {t('restore')}
        </MenuItem>
      ) : (
        <>
          <MenuItem icon="edit" onSelect={onRename}>
            {t('rename')}
          </MenuItem>
          <MenuItem icon="trash" danger onSelect={() => void remove()}>
            {t('delete', { name: name.slice(0, 60) })}
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
