import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { Badge } from '@/components/Badge'
import { IconButton } from '@/components/Button'
import { Card, Heads, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useToast } from '@/components/Toast'
import styles from './account.module.css'

/** Where one is signed in. */
export function Sessions(): ReactElement | null {
  const { t } = useTranslation('account')
  const queries = useQueryClient()
  const toast = useToast()
  const { data } = useQuery({
    queryKey: ['account', 'sessions'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/auth/sessions', { signal })),
  })
  async function end(session: number): Promise<void> {
    await unwrap(api.DELETE('/api/v1/auth/sessions/{session}', { params: { path: { session } } }))
    toast(t('ended'))
    await queries.invalidateQueries({ queryKey: ['account', 'sessions'] })
  }
  if (!data) return null
  return (
    <Card title={t('sessions')}>
      <Table label={t('sessions')}>
        <Heads names={[t('session'), t('address'), t('created'), t('used'), '']} />
        <tbody>
          {data.items.map((session) => (
            <tr key={session.id}>
              <td className={styles.break}>
                {session.user_agent} {session.current && <Badge kind="accent">{t('here')}</Badge>}
              </td>
              <td>{session.address}</td>
              <td>
                <Ago time={session.created_at} />
              </td>
              <td>
                <Ago time={session.last_used_at} />
              </td>
              <td className={styles.end}>
                {!session.current && (
                  <IconButton
                    icon="trash"
                    small
                    label={t('end', { id: session.id })}
                    onClick={() => void end(session.id)}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  )
}
