import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Badge, type BadgeKind } from '@/components/Badge'
import { formatCount } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { Card, Heads, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head } from './Listing'

type Source = Schemas['CatalogSource']
const EVERY_MS = 5000
const LOOKS: Record<Source['state'], BadgeKind> = { new: 'plain', current: 'good', stale: 'warn', unused: 'plain' }

/** Whether the database, the store and the sources of projects serve. */
export default function Health(): ReactElement {
  const { t } = useTranslation('admin')
  return (
    <>
      <Head text={t('health.text')} />
      <Engines />
      <Sources />
    </>
  )
}

function Engines(): ReactElement {
  const { t } = useTranslation('admin')
  const { data, error, refetch } = useQuery({
    queryKey: ['admin', 'readyz'],
    queryFn: async ({ signal }) => (await fetch('/readyz', { signal, cache: 'no-store' })).text(),
    refetchInterval: EVERY_MS,
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading />
  const lines = data.split('\n').map((line) => line.split(/: (.*)/s) as [string, string?])
  return (
    <Card title={t('health.engines')}>
      <Table label={t('health.engines')}>
        <tbody>
          {lines.map(([name, state = '']) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Badge kind={state === 'ok' ? 'good' : 'bad'} icon={state === 'ok' ? 'check' : 'warning'}>
                  {state}
                </Badge>
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  )
}

function Sources(): ReactElement | null {
  const { t } = useTranslation('admin')
  const mayLook = useMay('instance:manage')
  const { data, error } = useQuery({
    queryKey: ['admin', 'sources'],
    enabled: mayLook,
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/catalog/sources', { signal })),
    refetchInterval: EVERY_MS,
  })
  if (!mayLook) return null
  if (error) return <Failed error={error} />
  if (!data) return <Loading />
  return (
    <Card title={t('health.sources')}>
      <Table label={t('health.sources')}>
        <Heads names={[t('name'), t('health.state'), t('health.projects'), t('health.synced'), t('health.failure')]} />
        <tbody>
          {data.items.map((source) => (
            <tr key={source.name}>
              <td>{source.name}</td>
              <td>
                <Badge kind={LOOKS[source.state]}>{t(`health.states.${source.state}`)}</Badge>
              </td>
              <td>{formatCount(source.projects)}</td>
              <td className={styles.dim}>
                <Ago time={source.synced_at} />
              </td>
              <td className={styles.break}>{source.failure}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  )
}
