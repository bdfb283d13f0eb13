import { useQuery } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Button } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { formatBytes, formatCount } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { ActionsHead, Table } from '@/components/Page'
import styles from './admin.module.css'
import { Head } from './Listing'
import { field, useAct } from './useAct'

type Quota = Schemas['Quota']

/** How much the project has, and how much it may have. */
export default function Quotas(): ReactElement {
  const { t } = useTranslation('admin')
  const mayChange = useMay('instance:manage')
  const [changed, setChanged] = useState<Quota | null>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['admin', 'quotas'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/quotas', { signal })),
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  return (
    <>
      <Head text={t('quotas.text')} />
      <Table label={t('sections.quotas')}>
        <thead>
          <tr>
            <th scope="col">{t('quotas.resource')}</th>
            <th scope="col">{t('quotas.used')}</th>
            <th scope="col">{t('quotas.limit')}</th>
            <th scope="col">
              <span className="visually-hidden">{t('quotas.share')}</span>
            </th>
            <ActionsHead />
          </tr>
        </thead>
        <tbody>
          {data.items.map((quota) => (
            <tr key={quota.resource}>
              <td>{t(`quotas.resources.${quota.resource}`)}</td>
              <td>{amount(quota.resource, quota.used)}</td>
              <td>{quota.limit === null ? t('quotas.unlimited') : amount(quota.resource, quota.limit)}</td>
              <td>
                {quota.limit !== null && (
                  <meter
                    className={styles.bar}
                    aria-label={t(`quotas.resources.${quota.resource}`)}
                    min={0}
                    max={quota.limit || 1}
                    high={0.9 * quota.limit}
                    value={quota.used}
                  />
                )}
              </td>
              <td className={styles.end}>
                {mayChange && (
                  <Button small onClick={() => setChanged(quota)}>
                    {t('quotas.change')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      <ChangeQuota quota={changed} onClose={() => setChanged(null)} />
    </>
  )
}

function amount(resource: Quota['resource'], value: number): string {
  return resource === 'artifact_bytes' ? formatBytes(value) : formatCount(value)
}

function ChangeQuota({ quota, onClose }: { quota: Quota | null; onClose: () => void }): ReactElement | null {
  const { t } = useTranslation('admin')
  const act = useAct('quotas')
  if (!quota) return null
  const { resource, limit } = quota
  const name = t(`quotas.resources.${resource}`)
  async function send(form: FormData): Promise<void> {
    const typed = field(form, 'limit')
    const wanted = typed === '' ? ('default' as const) : Number(typed)
    const body = { limits: { [resource]: wanted }, scope: 'project' as const }
    await unwrap(api.PATCH('/api/v1/quotas', { body }))
    act(() => Promise.resolve(), t('quotas.changed', { name }))
  }
  return (
    <FormDialog open onClose={onClose} title={t('quotas.changeOf', { name })} submit={t('quotas.change')} send={send}>
      <TextField
        name="limit"
        type="number"
        min={0}
        label={t('quotas.limit')}
        hint={t('quotas.limitHint')}
        defaultValue={limit ?? ''}
      />
    </FormDialog>
  )
}
