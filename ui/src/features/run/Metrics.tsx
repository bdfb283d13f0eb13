import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { live } from '@/api/query'
import { Button } from '@/components/Button'
import { CopyButton } from '@/components/CodeBlock'
import { formatCount, formatNumber } from '@/components/format'
import { Card, numberClass, Table } from '@/components/Page'
import styles from './run.module.css'
import type { Run } from './run'

const PAGE = 50
// Four points of a curve are its first, its last, its least and its greatest.
const POINTS = 4

const isSystem = (key: string): number => Number(key.startsWith('system/'))

/** By name, what was measured of the machine last. */
function byName(one: { key: string }, other: { key: string }): number {
  return isSystem(one.key) - isSystem(other.key) || one.key.localeCompare(other.key)
}

/** The metrics of a run: the last, the least and the greatest value of each. */
export function Metrics({ run, wanted }: { run: Run; wanted: string }): ReactElement {
  const { t } = useTranslation(['run', 'common'])
  const [shown, setShown] = useState(PAGE)
  const latest = useMemo(() => {
    // Of a metric that was measured on several models or datasets the first counts here.
    const byKey = new Map((run.metrics ?? []).toReversed().map((metric) => [metric.key, metric]))
    return [...byKey.values()].sort(byName)
  }, [run.metrics])
  const found = latest.filter((metric) => metric.key.toLowerCase().includes(wanted))
  const visible = found.slice(0, shown)
  const bounds = useBounds(
    run,
    visible.map((metric) => metric.key),
  )
  return (
    <Card title={<Counted title={t('metrics')} found={found.length} all={latest.length} />}>
      {latest.length === 0 && <p className={styles.dim}>{t('noMetrics')}</p>}
      {visible.length > 0 && (
        <Table label={t('metrics')}>
          <thead>
            <tr>
              <th scope="col">{t('name')}</th>
              {(['last', 'min', 'max', 'step'] as const).map((each) => (
                <th key={each} scope="col" className={numberClass}>
                  {t(each)}
                </th>
              ))}
              <th scope="col">
                <span className="visually-hidden">{t('copyValue')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {visible.map((metric) => {
              const [low, high] = bounds.get(metric.key) ?? [undefined, undefined]
              return (
                <tr key={metric.key}>
                  <th scope="row" className={styles.key}>
                    {metric.key}
                  </th>
                  <td className={numberClass}>{formatNumber(metric.value)}</td>
                  <td className={numberClass}>{low === undefined ? '' : formatNumber(low)}</td>
                  <td className={numberClass}>{high === undefined ? '' : formatNumber(high)}</td>
                  <td className={numberClass}>{formatCount(metric.step ?? 0)}</td>
                  <td className={styles.button}>
                    <CopyButton text={String(metric.value)} label={t('copyOf', { name: metric.key })} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </Table>
      )}
      {found.length > shown && (
        <Button small onClick={() => setShown(shown + 4 * PAGE)}>
          {t('common:loadMore')}
        </Button>
      )}
    </Card>
  )
}

export function Counted({ title, found, all }: { title: string; found: number; all: number }): ReactElement {
  return (
    <>
      {title}{' '}
      <span className={styles.dim}>
        {found === all ? formatCount(all) : `${formatCount(found)} / ${formatCount(all)}`}
      </span>
    </>
  )
}

/** The least and the greatest value of metrics. */
function useBounds(run: Run, keys: string[]): Map<string, [number, number]> {
  const { data } = useQuery({
    queryKey: ['run bounds', run.run_id, keys],
    queryFn: ({ signal }) =>
      unwrap(
        api.POST('/api/v1/runs/metrics:series', { body: { keys, run_ids: [run.run_id], points: POINTS }, signal }),
      ),
    enabled: keys.length > 0,
    refetchInterval: live(run.status === 'RUNNING'),
    placeholderData: keepPreviousData,
  })
  return useMemo(() => {
    const numbers = (values: readonly (number | string)[]) => values.filter((each) => typeof each === 'number')
    const series = (data?.series ?? []).map((each) => [each.key, numbers(each.values)] as const)
    return new Map(
      series
        .filter(([, values]) => values.length > 0)
        .map(([key, values]) => [key, [Math.min(...values), Math.max(...values)]]),
    )
  }, [data])
}
