import { useCallback, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { formatCount, formatNumber } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import type { GridColumn } from '@/grid/column'
import { DataGrid } from '@/grid/DataGrid'
import { useGroups, type RunSource } from './data'
import { added, parts, says, subjectOf } from './filter'
import { Text } from './RunCell'
import styles from './runs.module.css'
import type { RunsSearch } from './search'
import { useTitle, type SetSearch } from './useTable'

type Group = Schemas['RunGroup']
const RUNS = 'runs'

/** The metrics that groups are given figures of: those that are shown, as many as the server looks up at once. */
export function groupMetrics(ids: string[]): string[] {
  const keys = ids.flatMap((id) => (parts(id)[0] === 'metrics' ? [parts(id)[1]] : []))
  return keys.slice(0, 8)
}

/** The clauses that the runs of a group meet. */
export function groupFilter(filter: string, by: string[], values: (string | null)[]): string {
  return by.reduce((found, id, place) => {
    const value = values[place]
    return added(found, value === null || value === undefined ? `${subjectOf(id)} IS NULL` : says(id, true, value))
  }, filter)
}

/** All runs of the filter by what they share: how many, and the mean and spread of metrics. Enter shows a group's runs. */
export function GroupTable({
  source,
  ids,
  by,
  search,
  setSearch,
}: {
  source: RunSource
  ids: string[]
  by: string[]
  search: RunsSearch
  setSearch: SetSearch
}): ReactElement | null {
  const { t } = useTranslation('runs')
  const title = useTitle()
  const metrics = groupMetrics(ids)
  const { data, error, refetch } = useGroups(source, by, metrics)
  const columns: GridColumn[] = [
    ...by.map((id) => ({ id, title: title(id), width: search.w?.[id] ?? 180, isPinned: true })),
    { id: RUNS, title: t('groups.runs'), width: search.w?.[RUNS] ?? 104, isNumber: true },
    ...metrics.map((key) => ({
      id: `metrics.${key}`,
      title: key,
      width: search.w?.[`metrics.${key}`] ?? 184,
      isNumber: true,
    })),
  ]
  const cell = useCallback(
    (group: Group, id: string) => {
      if (id === RUNS) return formatCount(group.runs)
      const place = by.indexOf(id)
      const value = group.values[place]
      if (place >= 0) {
        return typeof value === 'string' ? (
          <Text value={value} />
        ) : (
          <em className={styles.nothing}>{t('groups.nothing')}</em>
        )
      }
      return <Spread found={group.metrics?.find((each) => `metrics.${each.key}` === id)} />
    },
    [by, t],
  )
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  function open(index: number): void {
    const group = data?.items[index]
    if (group) setSearch({ q: groupFilter(search.q ?? '', by, group.values), group: undefined, at: undefined })
  }
  return (
    <>
      <p className={styles.count} role="status">
        {t('groups.count', { count: data.groups, runs: data.runs })}
        {data.groups > data.items.length && ` · ${t('groups.largest', { count: data.items.length })}`}
      </p>
      <DataGrid
        label={t('groups.table')}
        columns={columns}
        count={data.items.length}
        rowAt={(index) => data.items[index]}
        cell={cell}
        onOpen={open}
        onCell={open}
        onResize={(id, width) => setSearch({ w: { ...search.w, [id]: width } }, true)}
      />
    </>
  )
}

function Spread({ found }: { found: Schemas['MetricSummary'] | undefined }): ReactElement {
  const { t } = useTranslation('runs')
  if (found?.mean === null || found?.mean === undefined) return <span className={styles.nothing}>–</span>
  const range = { min: formatNumber(found.min!), max: formatNumber(found.max!), runs: found.runs }
  return (
    <span title={t('groups.range', range)}>
      {formatNumber(found.mean)} <span className={styles.spread}>± {formatNumber(rounded(found.std!))}</span>
    </span>
  )
}

/** Two digits say enough of a spread. */
function rounded(value: number): number {
  return Number(value.toPrecision(2))
}
