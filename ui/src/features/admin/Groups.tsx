import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Button, IconButton } from '@/components/Button'
import { Dialog, FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { field, useAct } from './useAct'

type Group = Schemas['Group']
const route = getRouteApi('/admin/{-$section}')
const EACH = 50

/** Groups of accounts, which hold roles together. */
export default function Groups(): ReactElement {
  const { t } = useTranslation('admin')
  const mayManage = useMay('users:manage')
  const { open } = route.useSearch()
  const navigate = route.useNavigate()
  const [isAdding, setAdding] = useState(false)
  const act = useAct('groups')
  async function send(form: FormData): Promise<void> {
    const body = {
      name: field(form, 'name'),
      description: field(form, 'description'),
      claim: field(form, 'claim') || null,
    }
    const group = await unwrap(api.POST('/api/v1/groups', { body }))
    act(() => Promise.resolve(), t('groups.added', { name: group.name }))
  }
  return (
    <>
      <Head text={t('groups.text')}>
        {mayManage && (
          <Button icon="plus" kind="primary" onClick={() => setAdding(true)}>
            {t('groups.add')}
          </Button>
        )}
      </Head>
      <Listing<Group>
        label={t('sections.groups')}
        queryKey={['admin', 'groups']}
        ask={(token, signal) =>
          unwrap(api.GET('/api/v1/groups', { params: { query: { max_results: EACH, page_token: token } }, signal }))
        }
        heads={[t('name'), t('description'), t('groups.claim'), t('created'), '']}
        empty={{ icon: 'group', title: t('groups.none'), text: t('groups.text') }}
        row={({ name, description, claim, created_at: at }) => (
          <tr key={name}>
            <td>{name}</td>
            <td>{description}</td>
            <td>{claim}</td>
            <td className={styles.dim}>
              <Ago time={at} />
            </td>
            <td className={styles.end}>
              <Button
                small
                onClick={() => void navigate({ search: { open: name } })}
                aria-label={t('groups.membersOf', { name })}
              >
                {t('groups.members')}
              </Button>
              {mayManage && (
                <IconButton
                  icon="trash"
                  small
                  label={t('groups.delete', { name })}
                  onClick={() =>
                    act(
                      () => unwrap(api.DELETE('/api/v1/groups/{name}', { params: { path: { name } } })),
                      t('groups.deleted', { name }),
                    )
                  }
                />
              )}
            </td>
          </tr>
        )}
      />
      <FormDialog
        open={isAdding}
        onClose={() => setAdding(false)}
        title={t('groups.add')}
        submit={t('groups.add')}
        send={send}
      >
        <div className={styles.form}>
          <TextField name="name" label={t('name')} required autoComplete="off" />
          <TextField name="description" label={t('description')} autoComplete="off" />
          <TextField name="claim" label={t('groups.claim')} hint={t('groups.claimHint')} autoComplete="off" />
        </div>
      </FormDialog>
      {open && <GroupMembers name={open} mayManage={mayManage} onClose={() => void navigate({ search: {} })} />}
    </>
  )
}

function GroupMembers({
  name,
  mayManage,
  onClose,
}: {
  name: string
  mayManage: boolean
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('groups', name)
  const [user, setUser] = useState('')
  const add = () => unwrap(api.PUT('/api/v1/groups/{name}/members/{user}', { params: { path: { name, user } } }))
  return (
    <Dialog open onClose={onClose} title={t('groups.membersOf', { name })}>
      {mayManage && (
        <form
          className={styles.filters}
          onSubmit={(event) => {
            event.preventDefault()
            act(add, t('groups.joined', { name: user }))
            setUser('')
          }}
        >
          <TextField
            label={t('groups.addMember')}
            required
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
          <Button type="submit">{t('add')}</Button>
        </form>
      )}
      <Listing<Schemas['GroupMember']>
        label={t('groups.membersOf', { name })}
        queryKey={['admin', 'groups', name]}
        ask={(token, signal) => {
          const query = { max_results: EACH, page_token: token }
          return unwrap(api.GET('/api/v1/groups/{name}/members', { params: { path: { name }, query }, signal }))
        }}
        heads={[t('name'), t('users.display'), t('groups.source'), '']}
        empty={{ icon: 'user', title: t('groups.noMembers'), text: '' }}
        row={(member) => (
          <tr key={member.name}>
            <td>{member.name}</td>
            <td>{member.display_name}</td>
            <td className={styles.dim}>{member.source}</td>
            <td className={styles.end}>
              {mayManage && (
                <IconButton
                  icon="trash"
                  small
                  label={t('groups.take', { name: member.name })}
                  onClick={() => {
                    const path = { name, user: member.name }
                    act(
                      () => unwrap(api.DELETE('/api/v1/groups/{name}/members/{user}', { params: { path } })),
                      t('groups.left', { name: member.name }),
                    )
                  }}
                />
              )}
            </td>
          </tr>
        )}
      />
    </Dialog>
  )
}
