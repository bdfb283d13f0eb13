import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useNewestExperiments, useNewestRuns } from '@/api/activity'
import { useMe } from '@/api/me'
import { recent } from '@/api/recent'
import { Failed, Loading } from '@/components/Notice'
import { Card, Page } from '@/components/Page'
import styles from './home.module.css'
import { NewestModels } from './NewestModels'
import { NoProject } from './NoProject'
import { Quickstart } from './Quickstart'
import { RunList } from './RunList'

const RECENT = 12
const RUNNING = 50

/** What runs now, what ran last, where one was: the way into everything else. */
export function HomePage(): ReactElement {
  const { t } = useTranslation('home')
  const { data: runs, error, refetch } = useNewestRuns('', RECENT, true)
  const { data: running = [] } = useNewestRuns("status = 'RUNNING'", RUNNING, true)
  const { data: experiments = [] } = useNewestExperiments()
  const me = useMe()
  const names = new Map(experiments.map((each) => [each.experiment_id, each.name]))
  if (me && !me.permissions.includes('tracking:read')) return <NoProject />
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!runs) return <Loading />
  return (
    <Page title={t('title')}>
      {runs.length === 0 ? (
        <Quickstart isFirst />
      ) : (
        <div className={styles.columns}>
          <div className={styles.column}>
            <Card title={t('running')}>
              {running.length ? (
                <RunList label={t('running')} runs={running} names={names} />
              ) : (
                <p>{t('nothingRuns')}</p>
              )}
            </Card>
            <Card title={t('recent')}>
              <RunList label={t('recent')} runs={runs} names={names} />
              <p className={styles.more}>
                <Link to="/experiments">{t('allExperiments')}</Link>
              </p>
            </Card>
          </div>
          <div className={styles.column}>
            <Visited />
            <NewestModels />
            <Quickstart />
          </div>
        </div>
      )}
    </Page>
  )
}

function Visited(): ReactElement | null {
  const { t } = useTranslation('home')
  const visited = recent().slice(0, 6)
  if (visited.length === 0) return null
  return (
    <Card title={t('visited')}>
      <ul className={styles.list}>
        {visited.map(({ path, name }) => (
          <li key={path}>
            <Link to={path}>{name}</Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
