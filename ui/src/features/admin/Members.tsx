import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Badge } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { SelectField, TextField } from '@/components/Field'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { field, useAct } from './useAct'

type Member = Schemas['Member']
const ROLES = ['guest', 'reporter', 'developer', 'maintainer', 'owner'] as const
const KINDS = ['user', 'group'] as const

/** Who holds which role in the project. */
export default function Members(): ReactElement {
  const { t } = useTranslation('admin')
  const mayManage = useMay('members:manage')
  const [isAdding, setAdding] = useState(false)
  return (
    <>
      <Head text={t('members.text')}>
        {mayManage && (
          <Button icon="plus" kind="primary" onClick={() => setAdding(true)}>
            {t('members.add')}
          </Button>
        )}
      </Head>
      <Listing<Member>
        label={t('sections.members')}
        queryKey={['admin', 'members']}
        ask={(_, signal) => unwrap(api.GET('/api/v1/members', { params: { query: {} }, signal }))}
        heads={[t('name'), t('role'), t('members.from'), t('members.by'), t('expires'), '']}
        empty={{ icon: 'user', title: t('members.none'), text: t('members.text') }}
        row={(member) => <MemberRow key={`${member.kind} ${member.name} ${member.scope}`} {...{ member, mayManage }} />}
      />
      <AddMember open={isAdding} onClose={() => setAdding(false)} />
    </>
  )
}

function MemberRow({ member, mayManage }: { member: Member; mayManage: boolean }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('members')
  const {
    kind,
    name,
    role,
    scope,
    scope_kind: scopeKind,
    created_by: by,
    created_at: at,
    expires_at: end,
    source,
  } = member
  const isOwn = mayManage && scopeKind === 'project' && !source
  const remove = () => unwrap(api.DELETE('/api/v1/members', { params: { query: { kind, name } } }))
  const change = (next: string) => {
    const body = { kind, name, role: next as Member['role'], expires_at: end }
    return unwrap(api.PUT('/api/v1/members', { params: { query: {} }, body }))
  }
  return (
    <tr>
      <td>
        {name} {kind === 'group' && <Badge icon="group">{t('group')}</Badge>}
      </td>
      <td>
        {isOwn ? (
          <select
            aria-label={t('members.roleOf', { name })}
            value={role}
            onChange={(event) => act(() => change(event.target.value), t('members.changed', { name }))}
          >
            {ROLES.map((each) => (
              <option key={each} value={each}>
                {t(`roles.${each}`)}
              </option>
            ))}
          </select>
        ) : (
          t(`roles.${role}`)
        )}
      </td>
      <td className={styles.dim}>{source ?? scope}</td>
      <td className={styles.dim}>
        {by} <Ago time={at} />
      </td>
      <td className={styles.dim}>{end ? <Ago time={end} /> : '–'}</td>
      <td className={styles.end}>
        {isOwn && (
          <IconButton
            icon="trash"
            small
            label={t('members.remove', { name })}
            onClick={() => act(remove, t('members.removed', { name }))}
          />
        )}
      </td>
    </tr>
  )
}

function AddMember({ open, onClose }: { open: boolean; onClose: () => void }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('members')
  async function send(form: FormData): Promise<void> {
    const end = field(form, 'expires')
    const body = {
      kind: field(form, 'kind') as Member['kind'],
      name: field(form, 'name'),
      role: field(form, 'role') as Member['role'],
      expires_at: end ? Date.parse(`${end}T23:59:59`) : null,
    }
    const member = await unwrap(api.PUT('/api/v1/members', { params: { query: {} }, body }))
    act(() => Promise.resolve(), t('members.changed', { name: member.name }))
  }
  return (
    <FormDialog open={open} onClose={onClose} title={t('members.add')} submit={t('members.add')} send={send}>
      <div className={styles.form}>
        <SelectField name="kind" label={t('kind')} choices={KINDS.map((each) => [each, t(each)])} />
        <TextField name="name" label={t('name')} required autoComplete="off" />
        <SelectField
          name="role"
          label={t('role')}
          defaultValue="developer"
          choices={ROLES.map((each) => [each, t(`roles.${each}`)])}
        />
        <TextField name="expires" type="date" label={t('expires')} hint={t('members.expiresHint')} />
      </div>
    </FormDialog>
  )
}
