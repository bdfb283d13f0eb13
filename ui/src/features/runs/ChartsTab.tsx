import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { live } from '@/api/query'
import { ChartGrid } from '@/charts/ChartGrid'
import { Empty, Failed, Loading } from '@/components/Notice'
import { bodyOf, useGroups, type RunSource } from './data'
import { asFilter } from './filter'
import { groupFilter } from './GroupTable'
import styles from './runs.module.css'
import type { RunsSearch } from './search'

const FIRST = 50
const GROUPS = 10
const RUNS_OF_A_GROUP = 50
/** Of params, metrics and tags charts need none from the search. */
const NO_COLUMNS = ['tags.mlflow.parentRunId']

/** The curves of the selected runs, else of the first of the table; of groups, where it is grouped. */
export function ChartsTab({ source, search }: { source: RunSource; search: RunsSearch }): ReactElement {
  const by = search.group
  if (by) return <GroupCharts source={source} search={search} by={by} />
  return <RunCharts source={source} search={search} />
}

function RunCharts({ source, search }: { source: RunSource; search: RunsSearch }): ReactElement | null {
  const { t } = useTranslation('runs')
  const chosen = search.sel
  const filter = chosen ? `attributes.run_id IN (${chosen.map((id) => `'${id}'`).join(', ')})` : source.filter
  const most = chosen?.length ?? FIRST
  const { data, error, refetch } = useQuery({
    queryKey: ['runs', source.experimentId, 'charts', filter, source.orderBy, source.isDeleted, most],
    queryFn: async ({ signal }) => {
      const body = bodyOf({ ...source, filter, columns: NO_COLUMNS }, 0, most)
      return (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).items
    },
    refetchInterval: live(),
  })
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  const hidden = new Set(search.hidden)
  const runs = data.filter((run) => !hidden.has(run.run_id))
  if (runs.length === 0) {
    return (
      <Empty icon="chart" title={t('charts.none')}>
        <p>{t('charts.noneText')}</p>
      </Empty>
    )
  }
  return (
    <>
      <p className={styles.count}>
        {chosen ? t('charts.ofSelected', { count: runs.length }) : t('charts.of', { count: runs.length })}
      </p>
      <ChartGrid runs={runs} view={`experiment.${source.experimentId}`} />
    </>
  )
}

function GroupCharts({
  source,
  search,
  by,
}: {
  source: RunSource
  search: RunsSearch
  by: string[]
}): ReactElement | null {
  const { t } = useTranslation('runs')
  const found = useGroups(source, by, [])
  const groups = found.data?.items.slice(0, GROUPS)
  const { data, error, refetch } = useQuery({
    queryKey: ['runs', source.experimentId, 'charts of groups', source.filter, by, groups?.map((each) => each.values)],
    enabled: groups !== undefined,
    queryFn: async ({ signal }) => {
      const answers = groups!.map(async ({ values }) => {
        const filter = asFilter(groupFilter(search.q ?? '', by, values))
        const body = bodyOf({ ...source, filter, columns: NO_COLUMNS }, 0, RUNS_OF_A_GROUP)
        const runs = (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).items
        return { name: values.map((each) => each ?? t('groups.nothing')).join(' · '), runs }
      })
      return Promise.all(answers)
    },
  })
  const wrong = error ?? found.error
  if (wrong && !data) return <Failed error={wrong} retry={() => void refetch()} />
  if (!data) return <Loading />
  return (
    <>
      <p className={styles.count}>{t('charts.ofGroups', { count: data.length })}</p>
      <ChartGrid
        runs={data.flatMap((each) => each.runs)}
        groups={Object.fromEntries(data.map(({ name, runs }) => [name, runs.map((run) => run.run_id)]))}
        view={`experiment.${source.experimentId}`}
      />
    </>
  )
}
