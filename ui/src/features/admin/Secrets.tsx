import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Badge } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Dialog, FormDialog } from '@/components/Dialog'
import { Check, SelectField, TextField } from '@/components/Field'
import { Menu, MenuItem } from '@/components/Menu'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { field, useAct } from './useAct'

type Secret = Schemas['Secret']
const route = getRouteApi('/admin/{-$section}')
export const ENVIRONMENTS = ['dev', 'staging', 'production'] as const
const EACH = 50

/** Values that only some may read, kept encrypted; each look at one is in the audit log. */
export default function Secrets(): ReactElement {
  const { t } = useTranslation('admin')
  const mayWrite = useMay('secrets:write')
  const { environment } = route.useSearch()
  const navigate = route.useNavigate()
  const [writing, setWriting] = useState<Partial<Secret> | null>(null)
  const [revealed, setRevealed] = useState<Schemas['SecretValue'] | null>(null)
  const chosen = ENVIRONMENTS.find((each) => each === environment)
  return (
    <>
      <Head text={t('secrets.text')}>
        {mayWrite && (
          <Button icon="plus" kind="primary" onClick={() => setWriting({})}>
            {t('secrets.add')}
          </Button>
        )}
      </Head>
      <div className={styles.filters}>
        <SelectField
          label={t('environment')}
          value={chosen ?? ''}
          choices={[['', t('all')], ...ENVIRONMENTS.map((each) => [each, each] as const)]}
          onChange={(event) => void navigate({ search: { environment: event.target.value || undefined } })}
        />
      </div>
      <Listing<Secret>
        label={t('sections.secrets')}
        queryKey={['admin', 'secrets', chosen]}
        ask={(token, signal) => {
          const query = { environment: chosen, max_results: EACH, page_token: token }
          return unwrap(api.GET('/api/v1/secrets', { params: { query }, signal }))
        }}
        heads={[t('name'), t('environment'), t('version'), t('description'), t('secrets.readers'), t('changed'), '']}
        empty={{ icon: 'lock', title: t('secrets.none'), text: t('secrets.text') }}
        row={(secret) => (
          <SecretRow
            key={`${secret.environment} ${secret.name}`}
            {...{ secret, mayWrite }}
            onWrite={() => setWriting(secret)}
            onReveal={setRevealed}
          />
        )}
      />
      <WriteSecret secret={writing} onClose={() => setWriting(null)} />
      {revealed && (
        <Dialog
          open
          onClose={() => setRevealed(null)}
          title={t('secrets.valueOf', { name: revealed.name })}
          description={t('secrets.revealText')}
        >
          <CodeBlock code={revealed.value} />
        </Dialog>
      )}
    </>
  )
}

function SecretRow({
  secret,
  mayWrite,
  onWrite,
  onReveal,
}: {
  secret: Secret
  mayWrite: boolean
  onWrite: () => void
  onReveal: (value: Schemas['SecretValue']) => void
}): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('secrets')
  const [isDeleting, setDeleting] = useState(false)
  const { name, environment } = secret
  const params = { path: { name, environment } }
  const reveal = async () =>
    onReveal(await unwrap(api.POST('/api/v1/secrets/{environment}/{name}/reveal', { params, body: {} })))
  return (
    <tr>
      <td>{name}</td>
      <td>
        <Badge>{environment}</Badge>
      </td>
      <td>{secret.version}</td>
      <td>{secret.description}</td>
      <td className={styles.dim}>{secret.readers.join(', ')}</td>
      <td className={styles.dim}>
        <Ago time={secret.updated_at} />
      </td>
      <td className={styles.end}>
        <Menu trigger={<IconButton icon="more" small label={t('actionsFor', { name })} />}>
          <MenuItem
            icon="eye"
            disabled={secret.write_only}
            onSelect={() => act(reveal, t('secrets.revealed', { name }))}
          >
            {t('secrets.reveal')}
          </MenuItem>
          {mayWrite && (
            <>
              <MenuItem icon="edit" onSelect={onWrite}>
                {t('secrets.write')}
              </MenuItem>
              <MenuItem icon="trash" danger onSelect={() => setDeleting(true)}>
                {t('secrets.delete', { name })}
              </MenuItem>
            </>
          )}
        </Menu>
        <FormDialog
          open={isDeleting}
          onClose={() => setDeleting(false)}
          danger
          title={t('secrets.delete', { name })}
          description={t('secrets.deleteText')}
          submit={t('secrets.delete', { name })}
          send={async () => {
            await unwrap(api.DELETE('/api/v1/secrets/{environment}/{name}', { params }))
            act(() => Promise.resolve(), t('secrets.deleted', { name }))
          }}
        />
      </td>
    </tr>
  )
}

function WriteSecret({
  secret,
  onClose,
}: {
  secret: Partial<Secret> | null
  onClose: () => void
}): ReactElement | null {
  const { t } = useTranslation('admin')
  const act = useAct('secrets')
  if (!secret) return null
  async function send(form: FormData): Promise<void> {
    const path = { name: field(form, 'name'), environment: field(form, 'environment') as Secret['environment'] }
    const value = form.get('value')
    const body = {
      value: typeof value === 'string' ? value : '',
      description: field(form, 'description'),
      readers: field(form, 'readers')
        .split(/[\s,]+/)
        .filter(Boolean),
      write_only: form.get('write_only') === 'on',
    }
    await unwrap(api.PUT('/api/v1/secrets/{environment}/{name}', { params: { path }, body }))
    act(() => Promise.resolve(), t('secrets.written', { name: path.name }))
  }
  return (
    <FormDialog
      open
      onClose={onClose}
      title={secret.name ? t('secrets.write') : t('secrets.add')}
      submit={t('secrets.save')}
      send={send}
    >
      <div className={styles.form}>
        <TextField
          name="name"
          label={t('name')}
          required
          defaultValue={secret.name}
          readOnly={!!secret.name}
          autoComplete="off"
        />
        <SelectField
          name="environment"
          label={t('environment')}
          defaultValue={secret.environment}
          choices={(secret.environment ? [secret.environment] : ENVIRONMENTS).map((each) => [each, each] as const)}
        />
        <TextField name="value" type="password" label={t('secrets.value')} required autoComplete="new-password" />
        <TextField name="description" label={t('description')} defaultValue={secret.description} />
        <TextField
          name="readers"
          label={t('secrets.readers')}
          hint={t('secrets.readersHint')}
          defaultValue={secret.readers?.join(', ')}
        />
        <Check name="write_only" label={t('secrets.writeOnly')} defaultChecked={secret.write_only} />
      </div>
    </FormDialog>
  )
}
