import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useRef, useState, type MouseEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { nameHas } from '@/api/filter'
import { useMay } from '@/api/me'
import { place } from '@/api/place'
import { live } from '@/api/query'
import { Badge } from '@/components/Badge'
import { Button } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { inputClass } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { Empty, Failed, Loading } from '@/components/Notice'
import { Page } from '@/components/Page'
import { Ago } from '@/components/Time'
import type { GridColumn } from '@/grid/column'
import { DataGrid } from '@/grid/DataGrid'
import { CreateDialog, ExperimentMenu, RenameDialog } from './changes'
import styles from './experiments.module.css'
import { RunCount } from './RunCount'
import type { ExperimentsSearch } from './search'
import { rowsOf, type Experiment, type Row } from './tree'

const AT_ONCE = 1000
const MOST = 10_000
/** Tags that say how the page shows an experiment, and not what it is. */
const OWN_TAG = /^(mlflow\.|mainspring\.)/
const SHOWN_TAGS = 3

/** Every experiment of the project, as a tree of folders. */
export function ExperimentsPage(): ReactElement {
  const { t } = useTranslation('experiments')
  const search = useSearch({ from: '/experiments' })
  const navigate = useNavigate({ from: '/experiments' })
  const mayWrite = useMay('tracking:write')
  const [isCreating, setCreating] = useState(false)
  const [renamed, setRenamed] = useState<Experiment | null>(null)
  const { data, error, refetch } = useExperiments(search)
  const setSearch = useCallback(
    (patch: Partial<ExperimentsSearch>, replace = false) => {
      void navigate({ to: '.', search: (before) => ({ ...before, ...patch }), replace, resetScroll: false })
    },
    [navigate],
  )
  const { q, open, sort = 'name', deleted } = search
  const rows = useMemo(() => rowsOf(data ?? [], new Set(open), q !== undefined, sort), [data, open, q, sort])

  function toggle(row: Row): void {
    const next = new Set(open)
    if (!next.delete(row.path)) next.add(row.path)
    setSearch({ open: next.size > 0 ? [...next] : undefined }, true)
  }
  function enter(index: number): void {
    const row = rows[index]
    if (row?.experiment) {
      void navigate({ to: '/experiments/$experimentId', params: { experimentId: row.experiment.experiment_id } })
    } else if (row) toggle(row)
  }
  function onClick(event: MouseEvent): void {
    const target = event.target as HTMLElement
    const link = target.closest<HTMLElement>('a[data-row-link], button[data-row-link]')
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    enter(Number(link.dataset.rowLink))
  }
  const columns: GridColumn[] = [
    { id: 'name', title: t('name'), width: 420, isPinned: true, sort: sort === 'name' ? 'ascending' : 'none' },
    { id: 'runs', title: t('runs'), width: 104, isNumber: true },
    { id: 'updated', title: t('updated'), width: 152, sort: sort === 'updated' ? 'descending' : 'none' },
    { id: 'tags', title: t('tags'), width: 320 },
    ...(mayWrite ? [{ id: 'actions', title: '', width: 48, isFixed: true }] : []),
  ]
  const cell = useCallback(
    (row: Row, id: string, index: number) => {
      const { experiment } = row
      if (id === 'name') return <Name row={row} index={index} />
      if (id === 'updated') return <Ago time={row.updated} />
      if (!experiment)
        return id === 'runs' ? <span className={styles.dim}>{t('inside', { count: row.inside })}</span> : null
      if (id === 'runs') return <RunCount experimentId={experiment.experiment_id} isDeleted={deleted ?? false} />
      if (id === 'tags') return <Tags tags={experiment.tags ?? {}} />
      return <ExperimentMenu experiment={experiment} onRename={() => setRenamed(experiment)} />
    },
    [t, deleted],
  )
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // The address follows what is typed; where nobody types, the box follows the address.
    if (box.current && box.current !== document.activeElement) box.current.value = q ?? ''
  }, [q])
  const isEmpty = data?.length === 0
  // One experiment is there from the start.
  const isFirst = !q && !deleted && data?.every((each) => each.name === 'Default')
  return (
    <Page
      full
      title={t('title')}
      actions={
        mayWrite && (
          <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
            {t('create')}
          </Button>
        )
      }
    >
      <div className={styles.bar}>
        <input
          type="search"
          className={inputClass}
          aria-label={t('find')}
          placeholder={t('find')}
          ref={box}
          defaultValue={q}
          onChange={(event) => setSearch({ q: event.target.value || undefined }, true)}
        />
        <Button
          aria-pressed={deleted ?? false}
          icon="trash"
          onClick={() => setSearch({ deleted: deleted ? undefined : true })}
        >
          {t('deleted')}
        </Button>
      </div>
      {error && !data && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {isFirst && <NoExperiments />}
      {isEmpty && !isFirst && (
        <Empty icon="search" title={t(deleted && !q ? 'noneDeleted' : 'none')}>
          {q && <Button onClick={() => setSearch({ q: undefined })}>{t('clear')}</Button>}
        </Empty>
      )}
      {rows.length > 0 && (
        // What is clicked are the links and buttons inside.
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
        <div className={styles.frame} onClick={onClick}>
          <DataGrid
            label={t('title')}
            columns={columns}
            count={rows.length}
            rowAt={(index) => rows[index]}
            cell={cell}
            head={() => <span className="visually-hidden">{t('actions')}</span>}
            onOpen={enter}
            onSort={(id) => setSearch({ sort: id === 'updated' ? 'updated' : undefined }, true)}
          />
        </div>
      )}
      <CreateDialog isOpen={isCreating} onClose={() => setCreating(false)} />
      <RenameDialog experiment={renamed} onClose={() => setRenamed(null)} />
    </Page>
  )
}

function useExperiments({ q = '', deleted }: ExperimentsSearch) {
  return useQuery({
    queryKey: ['experiments', 'all', q, deleted ?? false],
    queryFn: async ({ signal }) => {
      const found: Experiment[] = []
      const shown = { view_type: deleted ? ('DELETED_ONLY' as const) : ('ACTIVE_ONLY' as const), max_results: AT_ONCE }
      let page_token: string | undefined
      do {
        const query = { ...shown, filter: nameHas(q), order_by: ['name ASC'], page_token }
        const page = await unwrap(api.GET('/api/v1/experiments', { params: { query }, signal }))
        found.push(...page.items)
        page_token = page.next_page_token ?? undefined
      } while (page_token && found.length < MOST)
      return found
    },
    refetchInterval: ({ state }) => ((state.data?.length ?? 0) > AT_ONCE ? false : live()),
    placeholderData: keepPreviousData,
  })
}

function Name({ row, index }: { row: Row; index: number }): ReactElement {
  const style = { paddingInlineStart: `${row.depth * 1.25}rem` }
  if (!row.experiment) {
    return (
      <span className={styles.name} style={style}>
        <button type="button" tabIndex={-1} className={styles.folder} aria-expanded={row.isOpen} data-row-link={index}>
          <Icon name={row.isOpen ? 'chevronDown' : 'chevronRight'} size={14} />
          <Icon name="folder" />
          <span dir="auto">{row.name}</span>
        </button>
      </span>
    )
  }
  const { experiment_id } = row.experiment
  return (
    <span className={styles.name} style={style}>
      <Icon name="experiments" />
      <a
        href={`${place.base}/experiments/${experiment_id}`}
        tabIndex={-1}
        dir="auto"
        title={row.path.slice(0, 1000)}
        data-row-link={index}
      >
        {row.name.slice(0, 300)}
      </a>
    </span>
  )
}

function Tags({ tags }: { tags: Record<string, string> }): ReactElement {
  const own = Object.entries(tags).filter(([key]) => !OWN_TAG.test(key))
  return (
    <span className={styles.tags}>
      {own.slice(0, SHOWN_TAGS).map(([key, value]) => (
        <Badge key={key}>
          <bdi title={`${key}: ${value}`.slice(0, 1000)}>{`${key}: ${value}`.slice(0, 60)}</bdi>
        </Badge>
      ))}
      {own.length > SHOWN_TAGS && <Badge>+{own.length - SHOWN_TAGS}</Badge>}
    </span>
  )
}

const QUICKSTART = `import mlflow

mlflow.set_tracking_uri("${location.origin + place.prefix}")
mlflow.set_experiment("vision/first-steps")

with mlflow.start_run():
    mlflow.log_metric("accuracy", 0.9)
`

function NoExperiments(): ReactElement {
  const { t } = useTranslation('experiments')
  return (
    <Empty icon="experiments" title={t('empty')}>
      <p>{t('emptyText')}</p>
      <CodeBlock code={QUICKSTART} title="Python" />
      <p role="status">{t('waiting')}</p>
    </Empty>
  )
}
