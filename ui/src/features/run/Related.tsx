import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { RunStatus } from '@/components/Badge'
import { Card } from '@/components/Page'
import styles from './run.module.css'
import type { Run } from './run'

const PARENT = 'mlflow.parentRunId'
const MOST = 50

/** The run that this one is part of, and the runs that are part of it. */
export function Related({ run }: { run: Run }): ReactElement | null {
  const { t } = useTranslation('run')
  const parent = run.tags?.[PARENT]
  const { data } = useQuery({
    queryKey: ['child runs', run.run_id],
    queryFn: ({ signal }) =>
      unwrap(
        api.POST('/api/v1/runs/search', {
          body: {
            experiment_ids: [run.experiment_id],
            filter: `tags.\`${PARENT}\` = '${run.run_id}'`,
            max_results: MOST,
            offset: 0,
            count: false,
            columns: ['tags.mlflow.runName'],
          },
          signal,
        }),
      ),
  })
  const children = data?.items ?? []
  if (!parent && children.length === 0) return null
  return (
    <Card title={t('related')}>
      {parent && (
        <p>
          {t('parent')}{' '}
          <Link to="/runs/$runId" params={{ runId: parent }}>
            {parent}
          </Link>
        </p>
      )}
      <ul className={styles.things}>
        {children.map((child) => (
          <li key={child.run_id} className={styles.row}>
            <Link to="/runs/$runId" params={{ runId: child.run_id }}>
              {child.name || child.run_id}
            </Link>
            <RunStatus status={child.status} />
          </li>
        ))}
      </ul>
      {data?.next_page_token && <p className={styles.dim}>{t('moreChildren', { count: MOST })}</p>}
    </Card>
  )
}
