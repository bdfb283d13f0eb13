import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { live } from '@/api/query'
import { ChartGrid } from '@/charts/ChartGrid'
import { fetchRuns, type Run } from '@/charts/data'
import { Icon, type IconName } from '@/components/Icon'
import { Failed, Loading, Notice, NotThere } from '@/components/Notice'
import { TabBar, tabClass } from '@/components/Page'
import { DiffTable } from './DiffTable'
import styles from './comparison.module.css'
import { makeFields } from './fields'
import { Images } from './Images'
import { Parallel } from './Parallel'
import { Contour, Scatter } from './Planes'
import { PARTS, useCompareSettings, type ChangeCompare, type CompareSettings, type Part } from './settings'

const ICONS: Record<Part, IconName> = {
  differences: 'table',
  parallel: 'columns',
  scatter: 'chart',
  contour: 'map',
  charts: 'chart',
  images: 'file',
}

/** Runs beside each other: what differs, and how it relates. */
export function Comparison({ runIds }: { runIds: string[] }): ReactElement {
  const { t } = useTranslation('compare')
  const [settings, change] = useCompareSettings()
  const { data, error, refetch } = useQuery({
    queryKey: ['compared-runs', runIds],
    queryFn: ({ signal }) => fetchRuns(runIds, [], signal),
    refetchInterval: ({ state }) => live(state.data?.some(({ status }) => status === 'RUNNING') ?? false),
    placeholderData: keepPreviousData,
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  if (data.length === 0) return <NotThere />
  const lost = runIds.length - data.length
  return (
    <div className={styles.stack}>
      <TabBar label={t('partsLabel')}>
        {PARTS.map((part) => (
          <Link
            key={part}
            to="."
            search={((old: object) => ({ ...old, 'compare.part': part })) as never}
            className={tabClass}
            activeProps={{ 'aria-current': undefined }}
            aria-current={settings.part === part ? 'page' : undefined}
          >
            <Icon name={ICONS[part]} />
            {t(`parts.${part}`)}
          </Link>
        ))}
      </TabBar>
      {lost > 0 && <Notice kind="warn">{t('lost', { count: lost })}</Notice>}
      <Shown runs={data} settings={settings} change={change} />
    </div>
  )
}

function Shown({
  runs,
  settings,
  change,
}: {
  runs: Run[]
  settings: CompareSettings
  change: ChangeCompare
}): ReactElement {
  const fields = useMemo(() => makeFields(runs), [runs])
  const props = { runs, fields, settings, change }
  switch (settings.part) {
    case 'differences':
      return <DiffTable {...props} />
    case 'parallel':
      return <Parallel {...props} />
    case 'scatter':
      return <Scatter {...props} />
    case 'contour':
      return <Contour {...props} />
    case 'charts':
      return <ChartGrid runs={runs} view="compare" />
    case 'images':
      return <Images {...props} />
  }
}
