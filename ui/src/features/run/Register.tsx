import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import type { Run } from './run'

const TAKEN = 409

/** Make a version of a registered model out of a logged model, or of a folder of the run that holds an `MLmodel`. */
export function Register({
  run,
  model,
  onClose,
}: {
  run: Run
  model?: { id: string; name: string }
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('run')
  const navigate = useNavigate()
  const id = useId()
  const [name, setName] = useState('')
  const known = useQuery({
    queryKey: ['models to register', name],
    queryFn: ({ signal }) => {
      const filter = name ? `name ILIKE '%${name.replaceAll(/['\\%]/g, '')}%'` : ''
      return unwrap(api.GET('/api/v1/models', { params: { query: { filter, max_results: 20 } }, signal }))
    },
  })

  async function send(form: FormData): Promise<void> {
    try {
      await unwrap(api.POST('/api/v1/models', { body: { name } }))
    } catch (error) {
      // That it is there already is as good: this is its next version.
      if (!(error instanceof ApiError && error.status === TAKEN)) throw error
    }
    const source = model ? `models:/${model.id}` : `runs:/${run.run_id}/${String(form.get('path'))}`
    const body = { source, run_id: run.run_id, model_id: model?.id }
    const made = await unwrap(api.POST('/api/v1/models/{name}/versions', { params: { path: { name } }, body }))
    void navigate({ to: '/models/$name/versions/$version', params: { name, version: String(made.version) } })
  }

  return (
    <FormDialog
      open
      onClose={onClose}
      title={t('register')}
      description={t('registerHint')}
      submit={t('register')}
      send={send}
    >
      <TextField
        label={t('modelName')}
        name="name"
        required
        list={id}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <datalist id={id}>
        {known.data?.items.map((each) => (
          <option key={each.name} value={each.name} />
        ))}
      </datalist>
      {!model && (
        <TextField label={t('modelPath')} hint={t('modelPathHint')} name="path" required defaultValue="model" />
      )}
    </FormDialog>
  )
}
