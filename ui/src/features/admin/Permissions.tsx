import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMe, type Permission } from '@/api/me'
import { Badge } from '@/components/Badge'
import { SelectField, TextField } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { Failed, Loading } from '@/components/Notice'
import { Card, Heads, Table } from '@/components/Page'
import styles from './admin.module.css'
import { Head } from './Listing'

const route = getRouteApi('/admin/{-$section}')
const ROLES = ['guest', 'reporter', 'developer', 'maintainer', 'owner'] as const

/** What each role allows, and why somebody may or may not do something. */
export default function Permissions(): ReactElement {
  const { t } = useTranslation('admin')
  const { data, error, refetch } = useQuery({
    queryKey: ['admin', 'permissions'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/permissions', { signal })),
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  const roles = data.roles as Record<string, Permission[]>
  const all = [...new Set(ROLES.flatMap((role) => roles[role] ?? []))]
  return (
    <>
      <Head text={t('permissions.text')} />
      <Why permissions={all} />
      <Card title={t('permissions.table')}>
        <Table label={t('permissions.table')}>
          <Heads names={[t('permissions.permission'), ...ROLES.map((role) => t(`roles.${role}`))]} />
          <tbody>
            {all.map((permission) => (
              <tr key={permission}>
                <th scope="row">
                  <code>{permission}</code>
                </th>
                {ROLES.map((role) => (
                  <td key={role}>
                    <Allowed isAllowed={roles[role]?.includes(permission) ?? false} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </Table>
      </Card>
    </>
  )
}

function Allowed({ isAllowed }: { isAllowed: boolean }): ReactElement {
  const { t } = useTranslation()
  return isAllowed ? (
    <>
      <Icon name="check" />
      <span className="visually-hidden">{t('yes')}</span>
    </>
  ) : (
    <span className={styles.dim}>
      –<span className="visually-hidden">{t('no')}</span>
    </span>
  )
}

function Why({ permissions }: { permissions: Permission[] }): ReactElement {
  const { t } = useTranslation('admin')
  const me = useMe()
  const { q } = route.useSearch()
  const navigate = route.useNavigate()
  const [user, setUser] = useState('')
  const permission = permissions.find((each) => each === q) ?? permissions[0]!
  const { data, error } = useQuery({
    queryKey: ['admin', 'why', permission, user],
    queryFn: ({ signal }) => {
      const query = { permission, user: user || undefined }
      return unwrap(api.GET('/api/v1/permissions/why', { params: { query }, signal }))
    },
    retry: false,
  })
  return (
    <Card title={t('permissions.why')}>
      <div className={styles.form}>
        <div className={styles.filters}>
          <TextField
            label={t('permissions.who')}
            placeholder={me?.name}
            defaultValue={user}
            onBlur={(event) => setUser(event.target.value.trim())}
            onKeyDown={(event) => event.key === 'Enter' && setUser(event.currentTarget.value.trim())}
          />
          <SelectField
            label={t('permissions.permission')}
            value={permission}
            choices={permissions.map((each) => [each, each])}
            onChange={(event) => void navigate({ search: { q: event.target.value } })}
          />
        </div>
        {error && <p role="alert">{error.message}</p>}
        {data && (
          <div role="status">
            <Badge kind={data.allowed ? 'good' : 'bad'} icon={data.allowed ? 'check' : 'close'}>
              {t(data.allowed ? 'permissions.may' : 'permissions.mayNot', { name: data.user })}
            </Badge>
            <ul>
              {data.reasons.map((reason) => (
                <li key={`${reason.source} ${reason.detail}`}>
                  {reason.source}: {reason.detail}
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Card>
  )
}
