import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { noteVisit } from '@/api/recent'
import { Icon, type IconName } from '@/components/Icon'
import { Failed, Loading, Notice } from '@/components/Notice'
import { Page, TabBar, tabClass } from '@/components/Page'
import { useShortcut } from '@/components/shortcuts'
import { sourceOf, useRunColumns } from './data'
import { TABS, type RunsSearch, type Tab } from './search'
import { TableTab } from './TableTab'
import { useTableColumns, type SetSearch } from './useTable'

const ChartsTab = lazy(async () => ({ default: (await import('./ChartsTab')).ChartsTab }))
const CompareTab = lazy(async () => ({ default: (await import('./CompareTab')).CompareTab }))
const Notes = lazy(async () => ({ default: (await import('./Notes')).Notes }))

const EVERY_MS = 10_000
const ICONS: Record<Tab, IconName> = { table: 'table', charts: 'chart', compare: 'compare', notes: 'note' }

/** One experiment: its runs as a table, as charts and beside each other, and what was written about it. */
export function RunsPage(): ReactElement | null {
  const { experimentId } = useParams({ from: '/experiments/$experimentId' })
  const { data, error, refetch } = useQuery({
    queryKey: ['experiment', experimentId],
    queryFn: ({ signal }) => {
      const params = { path: { experiment_id: experimentId } }
      return unwrap(api.GET('/api/v1/experiments/{experiment_id}', { params, signal }))
    },
    refetchInterval: EVERY_MS,
  })
  const name = data?.name
  useEffect(() => {
    if (name !== undefined) noteVisit({ kind: 'experiment', path: `/experiments/${experimentId}`, name })
  }, [experimentId, name])
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />
  // The runs are asked for at once, whatever the experiment is called.
  return <Runs key={experimentId} experimentId={experimentId} experiment={data} />
}

function Runs({
  experimentId,
  experiment,
}: {
  experimentId: string
  experiment: Schemas['Experiment'] | undefined
}): ReactElement {
  const { t } = useTranslation('runs')
  const search = useSearch({ from: '/experiments/$experimentId' })
  const navigate = useNavigate()
  const setSearch = useCallback<SetSearch>(
    (patch, replace = false) => {
      const change = (before: object): RunsSearch => ({ ...before, ...patch })
      void navigate({ to: '.', search: change as never, replace, resetScroll: false })
    },
    [navigate],
  )
  const known = useRunColumns(experimentId)
  const table = useTableColumns(search, known, setSearch)
  const source = useSource(experimentId, search, table.ids)
  const { tab = 'table' } = search
  const tags = experiment?.tags ?? {}
  const own = { id: experimentId, name: experiment?.name ?? '', tags }
  return (
    <Page full={tab === 'table'} title={experiment?.name ?? '…'} crumbs={crumbsOf(experiment?.name ?? '', t('back'))}>
      {experiment?.lifecycle_stage === 'deleted' && <Notice kind="warn">{t('deletedExperiment')}</Notice>}
      <TabBar label={t('tabs.label')}>
        {TABS.map((each, place) => (
          <TabLink key={each} tab={each} number={place + 1} isOpen={tab === each} setSearch={setSearch} />
        ))}
      </TabBar>
      <Suspense fallback={<Loading />}>
        {tab === 'table' && (
          <TableTab
            experiment={own}
            source={source}
            known={known}
            table={table}
            search={search}
            setSearch={setSearch}
          />
        )}
        {tab === 'charts' && <ChartsTab source={source} search={search} />}
        {tab === 'compare' && <CompareTab search={search} />}
        {tab === 'notes' && experiment && (
          <Notes experimentId={experimentId} text={tags['mlflow.note.content'] ?? ''} />
        )}
      </Suspense>
    </Page>
  )
}

function TabLink({
  tab,
  number,
  isOpen,
  setSearch,
}: {
  tab: Tab
  number: number
  isOpen: boolean
  setSearch: SetSearch
}): ReactElement {
  const { t } = useTranslation('runs')
  const name = t(`tabs.${tab}`)
  const wanted = tab === 'table' ? undefined : tab
  useShortcut(String(number), t('keys.tab', { name }), t('keys.group'), () => setSearch({ tab: wanted }))
  const change = (before: object) => ({ ...before, tab: wanted })
  return (
    <Link
      to="."
      search={change as never}
      className={tabClass}
      aria-current={isOpen ? 'page' : undefined}
      activeOptions={{ exact: true, includeSearch: true }}
    >
      <Icon name={ICONS[tab]} />
      {name}
    </Link>
  )
}

/** The same source for as long as it asks for the same. */
function useSource(experimentId: string, search: RunsSearch, ids: string[]): ReturnType<typeof sourceOf> {
  const found = sourceOf(experimentId, search, ids)
  const text = JSON.stringify(found)
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => found, [text])
}

/** The folders that a name tells of, each a link to what is in it. */
function crumbsOf(name: string, back: string): ReactElement[] {
  const folders = name.split('/').slice(0, -1)
  return [
    <Link key="" to="/experiments">
      {back}
    </Link>,
    ...folders.map((folder, place) => (
      <Link key={place} to="/experiments" search={{ q: `${folders.slice(0, place + 1).join('/')}/` }}>
        {folder}
      </Link>
    )),
  ]
}
