import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useNewestRuns } from '@/api/activity'
import { api, unwrap } from '@/api/client'
import { useMay, useMe } from '@/api/me'
import { buttonClass } from '@/components/Button'
import { Icon } from '@/components/Icon'
import { Popover } from '@/components/Menu'
import { Ago } from '@/components/Time'
import styles from './inbox.module.css'

const DAY_MS = 86_400_000
const MOST = 10
const EVERY_MS = 30_000

/** What waits for who looks: stages to decide on, runs of theirs that failed, metadata to mend. */
export function Inbox(): ReactElement {
  const { t } = useTranslation()
  const failed = useFailedRuns()
  const warnings = useWarnings()
  const requests = useRequests()
  const count = failed.length + warnings.length + requests.length
  return (
    <Popover
      label={t('inbox')}
      align="end"
      trigger={
        <button
          type="button"
          className={buttonClass({ kind: 'quiet' }, styles.button!)}
          aria-label={count ? `${t('inbox')}: ${t('inboxes.waiting', { count })}` : t('inbox')}
        >
          <Icon name="inbox" />
          {count > 0 && <span className={styles.count}>{count}</span>}
        </button>
      }
    >
      <div className={styles.inbox}>
        {count === 0 && <p className={styles.dim}>{t('inboxes.empty')}</p>}
        <Group title={t('inboxes.requests')} isEmpty={requests.length === 0}>
          {requests.map(({ id, name, version, stage, user_id: user }) => (
            <li key={id}>
              <Link to="/models/$name/versions/$version" params={{ name, version: String(version) }}>
                {`${name} ${version} → ${stage}`}
              </Link>
              <span className={styles.dim}>{user}</span>
            </li>
          ))}
        </Group>
        <Group title={t('inboxes.failed')} isEmpty={failed.length === 0}>
          {failed.map((run) => (
            <li key={run.run_id}>
              <Link to="/runs/$runId" params={{ runId: run.run_id }}>
                {run.name}
              </Link>
              <span className={styles.dim}>
                <Ago time={run.ended_at ?? run.started_at} />
              </span>
            </li>
          ))}
        </Group>
        <Group title={t('inboxes.warnings')} isEmpty={warnings.length === 0}>
          {warnings.map((each) => (
            <li key={each.id}>
              <Link to="/catalog/$collection/$itemId" params={{ collection: each.collection, itemId: each.id }}>
                {each.project}
              </Link>
              <span className={styles.dim}>{each.warnings[0]?.message}</span>
            </li>
          ))}
        </Group>
      </div>
    </Popover>
  )
}

function Group({
  title,
  isEmpty,
  children,
}: {
  title: string
  isEmpty: boolean
  children: ReactNode
}): ReactElement | null {
  if (isEmpty) return null
  return (
    <section>
      <h3>{title}</h3>
      <ul>{children}</ul>
    </section>
  )
}

function useFailedRuns() {
  const me = useMe()
  const [since] = useState(() => Date.now() - DAY_MS)
  return (
    useNewestRuns(`status = 'FAILED' AND start_time > ${since}${me ? ` AND user_id = '${me.name}'` : ''}`, MOST).data ??
    []
  )
}

/** The stages that were asked for, of who may decide. */
function useRequests() {
  const mayDecide = useMay('project:manage')
  const { data } = useQuery({
    queryKey: ['model-requests', 'open', MOST],
    enabled: mayDecide,
    queryFn: ({ signal }) => {
      const query = { state: 'open' as const, max_results: MOST }
      return unwrap(api.GET('/api/v1/model-requests', { params: { query }, signal }))
    },
    refetchInterval: EVERY_MS,
  })
  return data?.items ?? []
}

function useWarnings() {
  const mayManage = useMay('project:manage')
  const { data } = useQuery({
    queryKey: ['catalog', 'warnings', MOST],
    enabled: mayManage,
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/catalog/warnings', { params: { query: { max_results: MOST } }, signal })),
    refetchInterval: EVERY_MS,
  })
  return data?.items ?? []
}
