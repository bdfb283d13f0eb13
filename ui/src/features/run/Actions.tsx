import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { place } from '@/api/place'
import { Button, buttonClass, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Dialog, FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { Menu, MenuItem, MenuLine } from '@/components/Menu'
import { useToast } from '@/components/Toast'
import { Register } from './Register'
import styles from './run.module.css'
import type { Run } from './run'
import { useChange } from './useChange'

/** What can be done with a run by who looks at it. */
export function Actions({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation('run')
  const toast = useToast()
  const change = useChange(run.run_id)
  const mayWrite = useMay('tracking:write')
  const mayRegister = useMay('registry:write')
  const [opened, setOpened] = useState<'rename' | 'register' | 'use' | null>(null)
  const params = { path: { run_id: run.run_id } }
  const isDeleted = run.lifecycle_stage === 'deleted'

  async function restore(): Promise<void> {
    const done = await change(() => unwrap(api.POST('/api/v1/runs/{run_id}/restore', { params })))
    if (done) toast(t('restored', { name: run.name }))
  }

  async function remove(): Promise<void> {
    const done = await change(() => unwrap(api.DELETE('/api/v1/runs/{run_id}', { params })))
    const undo = { label: t('undo'), run: () => void restore() }
    if (done) toast(t('runDeleted', { name: run.name }), { action: undo })
  }

  async function rename(form: FormData): Promise<void> {
    await unwrap(api.PATCH('/api/v1/runs/{run_id}', { params, body: { name: String(form.get('name')) } }))
    await change(() => Promise.resolve())
  }

  return (
    <>
      <Link to="/compare" search={{ runs: run.run_id }} className={buttonClass()}>
        <Icon name="compare" />
        {t('compare')}
      </Link>
      <Button icon="link" onClick={() => setOpened('use')}>
        {t('use')}
      </Button>
      {(mayWrite || mayRegister) && (
        <Menu trigger={<IconButton icon="more" label={t('more')} kind="plain" />}>
          {mayRegister && !isDeleted && (
            <MenuItem icon="models" onSelect={() => setOpened('register')}>
              {t('register')}
            </MenuItem>
          )}
          {mayWrite && !isDeleted && (
            <>
              <MenuItem icon="edit" onSelect={() => setOpened('rename')}>
                {t('rename')}
              </MenuItem>
              <MenuLine />
              <MenuItem icon="trash" danger onSelect={() => void remove()}>
                {t('deleteRun')}
              </MenuItem>
            </>
          )}
          {mayWrite && isDeleted && (
            <MenuItem icon="restore" onSelect={() => void restore()}>
              {t('restore')}
            </MenuItem>
          )}
        </Menu>
      )}
      <FormDialog
        open={opened === 'rename'}
        onClose={() => setOpened(null)}
        title={t('renameOf', { name: run.name })}
        submit={t('rename')}
        send={rename}
      >
        <TextField label={t('name')} name="name" required defaultValue={run.name} autoComplete="off" />
      </FormDialog>
      {opened === 'register' && <Register run={run} onClose={() => setOpened(null)} />}
      <Dialog open={opened === 'use'} onClose={() => setOpened(null)} title={t('use')} wide>
        <Snippets run={run} />
      </Dialog>
    </>
  )
}

/** How a run is read and gone on with from elsewhere. */
function Snippets({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation('run')
  const server = location.origin + place.prefix
  const id = run.run_id
  return (
    <div className={styles.column}>
      <CodeBlock
        title={t('snippets.read')}
        code={`import mlflow\n\nmlflow.set_tracking_uri("${server}")\nrun = mlflow.get_run("${id}")\nprint(run.data.params, run.data.metrics)`}
      />
      <CodeBlock
        title={t('snippets.goOn')}
        code={`with mlflow.start_run(run_id="${id}"):\n    mlflow.log_metric("accuracy", 0.9)`}
      />
      <CodeBlock
        title={t('snippets.files')}
        code={`mlflow.artifacts.download_artifacts(artifact_uri="runs:/${id}/", dst_path=".")`}
      />
      <CodeBlock title={t('snippets.shell')} code={`mainspring runs get ${id}\nmainspring artifacts download ${id}`} />
    </div>
  )
}
