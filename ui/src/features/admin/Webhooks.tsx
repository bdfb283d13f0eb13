import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { Badge, type BadgeKind } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { Dialog, FormDialog } from '@/components/Dialog'
import { SelectField, TextField } from '@/components/Field'
import { Menu, MenuItem } from '@/components/Menu'
import { useToast } from '@/components/Toast'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { field, useAct } from './useAct'

type Webhook = Schemas['Webhook']
type Delivery = Schemas['Delivery']
const route = getRouteApi('/admin/{-$section}')
const EACH = 50
const LOOKS: Record<Delivery['state'], BadgeKind> = { pending: 'accent', delivered: 'good', failed: 'bad' }

/** Who else is told of what happens here. */
export default function Webhooks(): ReactElement {
  const { t } = useTranslation('admin')
  const { open } = route.useSearch()
  const navigate = route.useNavigate()
  const [isAdding, setAdding] = useState(false)
  const act = useAct('webhooks')
  async function send(form: FormData): Promise<void> {
    const body = {
      name: field(form, 'name'),
      url: field(form, 'url'),
      events: field(form, 'events')
        .split(/[\s,]+/)
        .filter(Boolean),
      secret: field(form, 'secret') || null,
      format: field(form, 'format') as Webhook['format'],
      status: 'ACTIVE' as const,
    }
    const webhook = await unwrap(api.POST('/api/v1/webhooks', { body }))
    act(() => Promise.resolve(), t('webhooks.added', { name: webhook.name }))
  }
  return (
    <>
      <Head text={t('webhooks.text')}>
        <Button icon="plus" kind="primary" onClick={() => setAdding(true)}>
          {t('webhooks.add')}
        </Button>
      </Head>
      <Listing<Webhook>
        label={t('sections.webhooks')}
        queryKey={['admin', 'webhooks']}
        ask={(token, signal) =>
          unwrap(api.GET('/api/v1/webhooks', { params: { query: { max_results: EACH, page_token: token } }, signal }))
        }
        heads={[t('name'), t('webhooks.url'), t('webhooks.events'), t('webhooks.state'), '']}
        empty={{ icon: 'link', title: t('webhooks.none'), text: t('webhooks.noneText') }}
        row={(webhook) => <WebhookRow key={webhook.webhook_id} webhook={webhook} />}
      />
      <FormDialog
        open={isAdding}
        onClose={() => setAdding(false)}
        title={t('webhooks.add')}
        submit={t('webhooks.add')}
        send={send}
      >
        <div className={styles.form}>
          <TextField name="name" label={t('name')} required autoComplete="off" />
          <TextField name="url" type="url" label={t('webhooks.url')} required />
          <TextField name="events" label={t('webhooks.events')} required hint={t('webhooks.eventsHint')} />
          <TextField
            name="secret"
            type="password"
            label={t('webhooks.secret')}
            hint={t('webhooks.secretHint')}
            autoComplete="new-password"
          />
          <SelectField
            name="format"
            label={t('webhooks.format')}
            choices={[
              ['mainspring', 'Mainspring'],
              ['mlflow', 'MLflow'],
            ]}
          />
        </div>
      </FormDialog>
      {open && <Deliveries id={open} onClose={() => void navigate({ search: {} })} />}
    </>
  )
}

function WebhookRow({ webhook }: { webhook: Webhook }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('webhooks')
  const toast = useToast()
  const navigate = route.useNavigate()
  const { name, webhook_id: id } = webhook
  const params = { path: { webhook_id: id } }
  const isActive = webhook.status === 'ACTIVE'
  async function test(): Promise<void> {
    const result = await unwrap(api.POST('/api/v1/webhooks/{webhook_id}/test', { params, body: {} }))
    if (!result.success)
      toast(t('webhooks.testFailed', { why: result.error ?? String(result.response_status) }), { kind: 'bad' })
  }
  const toggle = () =>
    unwrap(api.PATCH('/api/v1/webhooks/{webhook_id}', { params, body: { status: isActive ? 'DISABLED' : 'ACTIVE' } }))
  const remove = () => unwrap(api.DELETE('/api/v1/webhooks/{webhook_id}', { params }))
  return (
    <tr>
      <td>{name}</td>
      <td className={styles.break}>{webhook.url}</td>
      <td>
        <span className={styles.row}>
          {webhook.events.map((each) => (
            <Badge key={each}>{each}</Badge>
          ))}
        </span>
      </td>
      <td>
        <Badge kind={isActive ? 'good' : 'plain'} icon={isActive ? 'check' : 'pause'}>
          {t(isActive ? 'webhooks.active' : 'webhooks.disabled')}
        </Badge>
      </td>
      <td className={styles.end}>
        <Menu trigger={<IconButton icon="more" small label={t('actionsFor', { name })} />}>
          <MenuItem icon="table" onSelect={() => void navigate({ search: { open: id } })}>
            {t('webhooks.deliveries')}
          </MenuItem>
          <MenuItem icon="play" onSelect={() => act(test, t('webhooks.tested', { name }))}>
            {t('webhooks.test')}
          </MenuItem>
          <MenuItem icon="pause" onSelect={() => act(toggle, t('webhooks.changed', { name }))}>
            {t(isActive ? 'webhooks.disable' : 'webhooks.enable')}
          </MenuItem>
          <MenuItem icon="trash" danger onSelect={() => act(remove, t('webhooks.deleted', { name }))}>
            {t('webhooks.delete', { name })}
          </MenuItem>
        </Menu>
      </td>
    </tr>
  )
}

function Deliveries({ id, onClose }: { id: string; onClose: () => void }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('deliveries', id)
  return (
    <Dialog open wide onClose={onClose} title={t('webhooks.deliveries')}>
      <Listing<Delivery>
        label={t('webhooks.deliveries')}
        queryKey={['admin', 'deliveries', id]}
        ask={(token, signal) => {
          const params = { path: { webhook_id: id }, query: { max_results: EACH, page_token: token } }
          return unwrap(api.GET('/api/v1/webhooks/{webhook_id}/deliveries', { params, signal }))
        }}
        heads={[
          t('webhooks.event'),
          t('webhooks.state'),
          t('webhooks.attempts'),
          t('webhooks.answer'),
          t('created'),
          '',
        ]}
        empty={{ icon: 'inbox', title: t('webhooks.nothingSent'), text: '' }}
        row={(delivery) => (
          <tr key={delivery.delivery_id}>
            <td>
              <code>{delivery.event}</code>
            </td>
            <td>
              <Badge kind={LOOKS[delivery.state]}>{t(`webhooks.states.${delivery.state}`)}</Badge>
            </td>
            <td>{delivery.attempts}</td>
            <td className={styles.break}>{delivery.error ?? delivery.response_status}</td>
            <td className={styles.dim}>
              <Ago time={delivery.created_at} />
            </td>
            <td className={styles.end}>
              <Button
                small
                onClick={() => {
                  const path = { webhook_id: id, delivery_id: delivery.delivery_id }
                  act(
                    () =>
                      unwrap(
                        api.POST('/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver', {
                          params: { path },
                        }),
                      ),
                    t('webhooks.sentAgain'),
                  )
                }}
              >
                {t('webhooks.again')}
              </Button>
            </td>
          </tr>
        )}
      />
    </Dialog>
  )
}
