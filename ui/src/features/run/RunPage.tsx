import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { live } from '@/api/query'
import { noteVisit } from '@/api/recent'
import { Badge, RunStatus } from '@/components/Badge'
import { CopyButton } from '@/components/CodeBlock'
import { Failed, Loading } from '@/components/Notice'
import { Page, TabBar, tabClass } from '@/components/Page'
import { Actions } from './Actions'
import { Overview } from './Overview'
import styles from './run.module.css'
import type { Run } from './run'
import { TABS, type Tab } from './search'

const ArtifactBrowser = lazy(() =>
  import('@/artifacts/ArtifactBrowser').then((module) => ({ default: module.ArtifactBrowser })),
)
const ChartGrid = lazy(() => import('@/charts/ChartGrid').then((module) => ({ default: module.ChartGrid })))
const LineageGraph = lazy(() => import('@/lineage/LineageGraph').then((module) => ({ default: module.LineageGraph })))
const Logs = lazy(() => import('./Logs').then((module) => ({ default: module.Logs })))

const isSystem = (metric: string): boolean => metric.startsWith('system/')
const isOwn = (metric: string): boolean => !isSystem(metric)

/** One run: what it was given, what came of it, and how it went. */
export function RunPage(): ReactElement {
  const { t } = useTranslation('run')
  const { runId } = useParams({ from: '/runs/$runId' })
  const { tab = 'overview' } = useSearch({ from: '/runs/$runId' })
  const {
    data: run,
    error,
    refetch,
  } = useQuery({
    queryKey: ['run', runId],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/runs/{run_id}', { params: { path: { run_id: runId } }, signal })),
    refetchInterval: ({ state }) => live(state.data?.status === 'RUNNING'),
  })
  const experiment = useQuery({
    queryKey: ['experiment', run?.experiment_id],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/experiments/{experiment_id}', {
          params: { path: { experiment_id: run!.experiment_id } },
          signal,
        }),
      ),
    enabled: run !== undefined,
    staleTime: 60_000,
  })
  const name = run?.name
  useEffect(() => {
    if (name !== undefined) noteVisit({ kind: 'run', path: `/runs/${runId}`, name: name || runId })
  }, [runId, name])

  if (error && !run) {
    return (
      <Page title={t('title')}>
        <Failed error={error} retry={() => void refetch()} />
      </Page>
    )
  }
  if (!run) return <Loading />
  const crumbs = [
    <Link key="all" to="/experiments">
      {t('experiments')}
    </Link>,
    <Link key="own" to="/experiments/$experimentId" params={{ experimentId: run.experiment_id }}>
      {experiment.data?.name ?? run.experiment_id}
    </Link>,
  ]
  const beside = (
    <>
      <RunStatus status={run.status} />
      {run.lifecycle_stage === 'deleted' && (
        <Badge kind="warn" icon="trash">
          {t('deleted')}
        </Badge>
      )}
      <CopyButton text={run.run_id} label={t('copyId')} />
    </>
  )
  return (
    <Page
      title={run.name || run.run_id}
      crumbs={crumbs}
      beside={beside}
      actions={<Actions run={run} />}
      full={tab === 'artifacts' || tab === 'logs'}
    >
      <TabBar label={t('parts')}>
        {TABS.map((each) => (
          <Link
            key={each}
            to="/runs/$runId"
            params={{ runId }}
            search={each === 'overview' ? {} : { tab: each }}
            className={tabClass}
            aria-current={each === tab ? 'page' : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
          >
            {t(`tabs.${each}`)}
          </Link>
        ))}
      </TabBar>
      <Suspense fallback={<Loading />}>
        <Part run={run} tab={tab} />
      </Suspense>
    </Page>
  )
}

function Part({ run, tab }: { run: Run; tab: Tab }): ReactElement {
  const { path } = useSearch({ from: '/runs/$runId' })
  const navigate = useNavigate({ from: '/runs/$runId' })
  switch (tab) {
    case 'overview':
      return <Overview run={run} />
    case 'charts':
      return <ChartGrid runs={[run]} view={`run.${run.run_id}`} only={isOwn} />
    case 'system':
      return <ChartGrid runs={[run]} view={`run.${run.run_id}.system`} only={isSystem} />
    case 'artifacts':
      return (
        <div className={styles.fill}>
          <ArtifactBrowser
            source={{ kind: 'run', runId: run.run_id }}
            path={path}
            onPath={(next) => void navigate({ search: (before) => ({ ...before, path: next }) })}
          />
        </div>
      )
    case 'logs':
      return <Logs run={run} />
    case 'lineage':
      return <LineageGraph of={`run:${run.run_id}`} />
  }
}
