import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { Badge } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Dialog, FormDialog } from '@/components/Dialog'
import { SelectField, TextField } from '@/components/Field'
import { Menu, MenuItem } from '@/components/Menu'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { field, useAct } from './useAct'

type User = Schemas['User']
const route = getRouteApi('/admin/{-$section}')
const EACH = 50

/** The accounts of the installation: of people, and of programs. */
export default function Users(): ReactElement {
  const { t } = useTranslation('admin')
  const { q } = route.useSearch()
  const navigate = route.useNavigate()
  const [isAdding, setAdding] = useState(false)
  const [link, setLink] = useState<{ name: string; url: string } | null>(null)
  return (
    <>
      <Head text={t('users.text')}>
        <Button icon="plus" kind="primary" onClick={() => setAdding(true)}>
          {t('users.add')}
        </Button>
      </Head>
      <div className={styles.filters}>
        <TextField
          label={t('users.find')}
          type="search"
          value={q ?? ''}
          onChange={(event) => void navigate({ search: { q: event.target.value || undefined }, replace: true })}
        />
      </div>
      <Listing<User>
        label={t('sections.users')}
        queryKey={['admin', 'users', q]}
        ask={(token, signal) => {
          const query = { prefix: q, max_results: EACH, page_token: token }
          return unwrap(api.GET('/api/v1/users', { params: { query }, signal }))
        }}
        heads={[t('name'), t('users.display'), t('users.email'), t('users.state'), t('users.seen'), '']}
        empty={{ icon: 'user', title: t('users.none'), text: t('users.text') }}
        row={(user) => <UserRow key={user.name} user={user} onLink={setLink} />}
      />
      <AddUser open={isAdding} onClose={() => setAdding(false)} />
      {link && (
        <Dialog open onClose={() => setLink(null)} title={t('users.link', link)} description={t('users.linkText')}>
          <CodeBlock code={link.url} />
        </Dialog>
      )}
    </>
  )
}

function UserRow({
  user,
  onLink,
}: {
  user: User
  onLink: (link: { name: string; url: string }) => void
}): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('users')
  const [isDeleting, setDeleting] = useState(false)
  const { name } = user
  const params = { path: { name } }
  async function makeLink(): Promise<void> {
    const { path, token } = await unwrap(api.POST('/api/v1/users/{name}/password-link', { params }))
    // The token stands behind the #, which browsers send to nobody.
    onLink({ name, url: `${window.location.origin}${path}#token=${token}` })
  }
  const block = () =>
    unwrap(
      user.blocked
        ? api.POST('/api/v1/users/{name}/unblock', { params })
        : api.POST('/api/v1/users/{name}/block', { params }),
    )
  const promote = () => unwrap(api.PUT('/api/v1/users/{name}/admin', { params, body: { is_admin: !user.is_admin } }))
  return (
    <tr>
      <td>{name}</td>
      <td>{user.display_name}</td>
      <td>{user.email}</td>
      <td>
        <span className={styles.row}>
          {user.kind === 'service' && <Badge>{t('users.service')}</Badge>}
          {user.is_admin && <Badge kind="accent">{t('users.admin')}</Badge>}
          {user.blocked && (
            <Badge kind="bad" icon="lock">
              {t('users.blocked')}
            </Badge>
          )}
        </span>
      </td>
      <td className={styles.dim}>
        <Ago time={user.last_seen_at} />
      </td>
      <td className={styles.end}>
        <Menu trigger={<IconButton icon="more" small label={t('actionsFor', { name })} />}>
          <MenuItem icon="key" onSelect={() => act(makeLink, t('users.linkMade'))}>
            {t('users.makeLink')}
          </MenuItem>
          <MenuItem icon="lock" onSelect={() => act(block, t('users.changed', { name }))}>
            {t(user.blocked ? 'users.unblock' : 'users.block')}
          </MenuItem>
          <MenuItem icon="admin" onSelect={() => act(promote, t('users.changed', { name }))}>
            {t(user.is_admin ? 'users.demote' : 'users.promote')}
          </MenuItem>
          <MenuItem icon="trash" danger onSelect={() => setDeleting(true)}>
            {t('users.delete')}
          </MenuItem>
        </Menu>
        <FormDialog
          open={isDeleting}
          onClose={() => setDeleting(false)}
          danger
          title={t('users.deleteOf', { name })}
          description={t('users.deleteText')}
          submit={t('users.deleteOf', { name })}
          send={async () => {
            await unwrap(api.DELETE('/api/v1/users/{name}', { params }))
            act(() => Promise.resolve(), t('users.deleted', { name }))
          }}
        />
      </td>
    </tr>
  )
}

function AddUser({ open, onClose }: { open: boolean; onClose: () => void }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('users')
  async function send(form: FormData): Promise<void> {
    const body = {
      name: field(form, 'name'),
      display_name: field(form, 'display'),
      email: field(form, 'email'),
      kind: field(form, 'kind') as Schemas['AccountKind'],
    }
    const user = await unwrap(api.POST('/api/v1/users', { body }))
    act(() => Promise.resolve(), t('users.added', { name: user.name }))
  }
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={t('users.add')}
      description={t('users.addText')}
      submit={t('users.add')}
      send={send}
    >
      <div className={styles.form}>
        <TextField name="name" label={t('name')} required autoComplete="off" />
        <TextField name="display" label={t('users.display')} autoComplete="off" />
        <TextField name="email" type="email" label={t('users.email')} autoComplete="off" />
        <SelectField
          name="kind"
          label={t('kind')}
          choices={[
            ['user', t('users.person')],
            ['service', t('users.service')],
          ]}
        />
      </div>
    </FormDialog>
  )
}
