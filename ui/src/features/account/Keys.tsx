import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { place } from '@/api/place'
import { Button, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Dialog, FormDialog } from '@/components/Dialog'
import { Check, TextField } from '@/components/Field'
import { Card, Heads, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useToast } from '@/components/Toast'
import styles from './account.module.css'

const DAYS = 90

/** The API keys of who looks. */
export function Keys(): ReactElement {
  const { t } = useTranslation('account')
  const queries = useQueryClient()
  const toast = useToast()
  const [isAdding, setAdding] = useState(false)
  const [made, setMade] = useState<string | null>(null)
  const { data } = useQuery({
    queryKey: ['account', 'keys'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/auth/keys', { params: { query: {} }, signal })),
  })
  const again = () => queries.invalidateQueries({ queryKey: ['account', 'keys'] })

  async function add(form: FormData): Promise<void> {
    const projects = form.get('limits') === 'on' && place.project ? [place.project] : null
    const body = { name: String(form.get('name')), expires_days: Number(form.get('days')), projects }
    const key = await unwrap(api.POST('/api/v1/auth/keys', { body }))
    setMade(key.token)
    await again()
  }

  async function revoke(key: number, name: string): Promise<void> {
    await unwrap(api.DELETE('/api/v1/auth/keys/{key}', { params: { path: { key } } }))
    toast(t('revoked', { name }))
    await again()
  }

  return (
    <Card title={t('keys')}>
      <div className={styles.form}>
        <p className={styles.dim}>{t('keysText')}</p>
        {data?.items.length === 0 && <p>{t('noKeys')}</p>}
        {data && data.items.length > 0 && (
          <Table label={t('keys')}>
            <Heads names={[t('name'), t('created'), t('ends'), t('used'), '']} />
            <tbody>
              {data.items.map((key) => (
                <tr key={key.id}>
                  <td>{key.name}</td>
                  <td>
                    <Ago time={key.created_at} />
                  </td>
                  <td>
                    <Ago time={key.expires_at} />
                  </td>
                  <td>
                    <Ago time={key.last_used_at} />
                  </td>
                  <td className={styles.end}>
                    <IconButton
                      icon="trash"
                      small
                      label={t('revoke', { name: key.name })}
                      onClick={() => void revoke(key.id, key.name)}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </Table>
        )}
        <div>
          <Button icon="plus" onClick={() => setAdding(true)}>
            {t('addKey')}
          </Button>
        </div>
      </div>
      <FormDialog open={isAdding} onClose={() => setAdding(false)} title={t('addKey')} submit={t('addKey')} send={add}>
        <div className={styles.form}>
          <TextField name="name" label={t('name')} required autoComplete="off" />
          <TextField name="days" type="number" min={1} max={3650} label={t('days')} defaultValue={DAYS} />
          {place.project && <Check name="limits" label={t('limits')} />}
        </div>
      </FormDialog>
      {made && (
        <Dialog open onClose={() => setMade(null)} title={t('newKey')} description={t('newKeyText')}>
          <CodeBlock code={made} />
        </Dialog>
      )}
    </Card>
  )
}
