import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { address, api, unwrap, type Schemas } from '@/api/client'
import { Badge } from '@/components/Badge'
import { Button, buttonClass } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Dialog } from '@/components/Dialog'
import { SelectField, TextField } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { Notice } from '@/components/Notice'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'

type Event = Schemas['AuditEvent']
const route = getRouteApi('/admin/{-$section}')
const EACH = 50

/** Who did what, and what it changed; nothing in it can be changed unnoticed. */
export default function Audit(): ReactElement {
  const { t } = useTranslation('admin')
  const { actor, action, allowed, q } = route.useSearch()
  const navigate = route.useNavigate()
  const [shown, setShown] = useState<Event | null>(null)
  const asked = { actor, action, text: q, allowed: allowed === undefined ? undefined : allowed === 'true' }
  const narrow = (change: object) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const fields = new URLSearchParams(
    Object.entries(asked).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
  return (
    <>
      <Head text={t('audit.text')}>
        <Verify />
        <a className={buttonClass()} href={`${address('audit', 'export')}?${fields}`} download>
          <Icon name="download" />
          {t('audit.export')}
        </a>
      </Head>
      <div className={styles.filters}>
        <TextField
          label={t('audit.actor')}
          value={actor ?? ''}
          onChange={(event) => narrow({ actor: event.target.value || undefined })}
        />
        <TextField
          label={t('audit.action')}
          value={action ?? ''}
          onChange={(event) => narrow({ action: event.target.value || undefined })}
        />
        <TextField
          label={t('audit.words')}
          value={q ?? ''}
          onChange={(event) => narrow({ q: event.target.value || undefined })}
        />
        <SelectField
          label={t('audit.outcome')}
          value={allowed ?? ''}
          choices={[
            ['', t('audit.all')],
            ['true', t('audit.allowed')],
            ['false', t('audit.denied')],
          ]}
          onChange={(event) => narrow({ allowed: event.target.value || undefined })}
        />
      </div>
      <Listing<Event>
        label={t('sections.audit')}
        queryKey={['admin', 'audit', asked]}
        ask={(token, signal) => {
          const query = { ...asked, max_results: EACH, page_token: token }
          return unwrap(api.GET('/api/v1/audit', { params: { query }, signal }))
        }}
        heads={[t('audit.when'), t('audit.actor'), t('audit.action'), t('audit.object'), t('audit.outcome'), '']}
        empty={{ icon: 'table', title: t('audit.none'), text: t('audit.noneText') }}
        row={(event) => (
          <tr key={event.seq}>
            <td className={styles.dim}>
              <Ago time={event.at} />
            </td>
            <td>{event.actor}</td>
            <td>
              <code>{event.action}</code>
            </td>
            <td className={styles.break}>{event.object_id}</td>
            <td>
              <Badge kind={event.allowed ? 'good' : 'bad'} icon={event.allowed ? 'check' : 'close'}>
                {t(event.allowed ? 'audit.allowed' : 'audit.denied')}
              </Badge>
            </td>
            <td className={styles.end}>
              <Button small onClick={() => setShown(event)} aria-label={t('audit.detailsOf', { seq: event.seq })}>
                {t('audit.details')}
              </Button>
            </td>
          </tr>
        )}
      />
      <Details event={shown} onClose={() => setShown(null)} />
    </>
  )
}

function Details({ event, onClose }: { event: Event | null; onClose: () => void }): ReactElement | null {
  const { t } = useTranslation('admin')
  if (!event) return null
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`${event.action} ${event.object_id}`}
      description={`${event.actor} · ${event.address}`}
    >
      <div className={styles.both}>
        <CodeBlock title={t('audit.before')} code={JSON.stringify(event.before, null, 2)} />
        <CodeBlock title={t('audit.after')} code={JSON.stringify(event.after, null, 2)} />
      </div>
      <p className={styles.dim}>
        {t('audit.hash')} <code className={styles.break}>{event.hash}</code>
      </p>
    </Dialog>
  )
}

/** Walk the chain of hashes from its beginning, and say whether all of it holds. */
function Verify(): ReactElement {
  const { t } = useTranslation('admin')
  const [state, setState] = useState<{ checked: number; problem: string | null; isDone: boolean } | null>(null)
  async function verify(): Promise<void> {
    let after: number | null | undefined = 0
    let checked = 0
    while (after !== null && after !== undefined) {
      const part: Schemas['Verification'] = await unwrap(
        api.GET('/api/v1/audit/verify', { params: { query: { after } } }),
      )
      checked += part.checked
      after = part.next_after
      setState({ checked, problem: part.problem ?? null, isDone: part.problem !== null || after === null })
      if (part.problem) return
    }
  }
  return (
    <>
      <Button onClick={() => void verify()}>{t('audit.verify')}</Button>
      {state && (
        <div role="status">
          <Notice kind={state.problem ? 'bad' : 'good'}>
            {state.problem ?? t('audit.verified', { count: state.checked })}
          </Notice>
        </div>
      )}
    </>
  )
}
