import { useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { place } from '@/api/place'
import { Button, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Menu, MenuItem } from '@/components/Menu'
import { Empty, Failed, Loading, Notice } from '@/components/Notice'
import { useToast } from '@/components/Toast'
import { ApiError } from '@/api/client'
import { Chooser } from './Chooser'
import { allColumns, NAME, SELECT, type RunColumns } from './columns'
import { download, toCsv } from './csv'
import { findValues, useRuns, type RunRows, type RunSource } from './data'
import { FilterBox } from './FilterBox'
import { GroupTable } from './GroupTable'
import { RunTable } from './RunTable'
import styles from './runs.module.css'
import type { RunsSearch } from './search'
import { SelectionBar } from './SelectionBar'
import { useTitle, type SetSearch, type TableColumns } from './useTable'
import { Views } from './Views'

const MOST_BY = 4

/** The table of an experiment's runs, and all that says which and how. */
export function TableTab({
  experiment,
  source,
  known,
  table,
  search,
  setSearch,
}: {
  experiment: { id: string; name: string; tags: Record<string, string> }
  source: RunSource
  known: RunColumns | undefined
  table: TableColumns
  search: RunsSearch
  setSearch: SetSearch
}): ReactElement {
  const { t } = useTranslation('runs')
  const title = useTitle()
  const isReady = known !== undefined || search.cols !== undefined
  const rows = useRuns(isReady && !search.group ? source : null)
  const values = (columnId: string) => findValues(experiment.id, columnId)
  const groupable = [
    'attributes.status',
    'attributes.user_id',
    ...allColumns(known).filter((id) => /^(params|tags)\./.test(id)),
  ]
  const wrong = rows.error
  return (
    <section className={styles.table} aria-label={t('table')}>
      <div className={styles.bar}>
        <FilterBox
          value={search.q ?? ''}
          columnIds={allColumns(known).filter((id) => id !== 'attributes.duration')}
          valuesOf={values}
          isWrong={wrong instanceof ApiError && wrong.field === 'filter'}
          onApply={(q) => setSearch({ q: q || undefined, at: undefined }, true)}
        />
        {!search.group && <Count rows={rows} />}
        <Chooser
          label={t('columns.title')}
          icon="columns"
          chosen={table.ids.filter((id) => id !== NAME)}
          all={allColumns(known).filter((id) => id !== NAME)}
          title={title}
          onChange={(cols) => table.actions.show(cols)}
          onReset={() => setSearch({ cols: undefined, pin: undefined, w: undefined })}
        />
        <Chooser
          label={t('groups.title')}
          icon="group"
          chosen={search.group ?? []}
          all={groupable}
          title={title}
          most={MOST_BY}
          onChange={(group) => setSearch({ group: group.length > 0 ? group : undefined, sel: undefined })}
          onReset={() => setSearch({ group: undefined })}
        />
        <Views
          experimentId={experiment.id}
          tags={experiment.tags}
          search={search}
          onOpen={(view) => setSearch({ ...NO_VIEW, ...view })}
        />
        <More name={experiment.name} source={source} table={table} search={search} setSearch={setSearch} />
      </div>
      {search.sel && (
        <SelectionBar
          experimentId={experiment.id}
          selected={search.sel}
          isDeleted={search.deleted ?? false}
          onSelect={(sel) => setSearch({ sel: sel.length > 0 ? sel : undefined }, true)}
        />
      )}
      {wrong &&
        !search.group &&
        (wrong instanceof ApiError && wrong.status === 400 ? (
          <Notice kind="bad">{wrong.message}</Notice>
        ) : (
          <Failed error={wrong} />
        ))}
      {search.group ? (
        <GroupTable source={source} ids={table.ids} by={search.group} search={search} setSearch={setSearch} />
      ) : rows.isLoading ? (
        !wrong && <Loading />
      ) : rows.total === 0 && !wrong ? (
        <NoRuns name={experiment.name} search={search} setSearch={setSearch} />
      ) : (
        <RunTable rows={rows} table={table} search={search} setSearch={setSearch} />
      )}
    </section>
  )
}

const NO_VIEW = {
  q: undefined,
  sort: undefined,
  cols: undefined,
  pin: undefined,
  w: undefined,
  group: undefined,
  at: undefined,
}

function Count({ rows }: { rows: RunRows }): ReactElement {
  const { t } = useTranslation('runs')
  const text = rows.isExact ? t('count', { count: rows.total }) : t('countMany', { count: rows.total })
  return <span className={styles.count}>{rows.isLoading ? '' : text}</span>
}

function NoRuns({ name, search, setSearch }: { name: string; search: RunsSearch; setSearch: SetSearch }): ReactElement {
  const { t } = useTranslation('runs')
  if (search.q) {
    return (
      <Empty icon="search" title={t('none')}>
        <p>{t('noneText')}</p>
        <Button onClick={() => setSearch({ q: undefined })}>{t('filter.clear')}</Button>
      </Empty>
    )
  }
  if (search.deleted) {
    return (
      <Empty icon="trash" title={t('noneDeleted')}>
        <p>{t('noneDeletedText')}</p>
        <Button onClick={() => setSearch({ deleted: undefined })}>{t('showActive')}</Button>
      </Empty>
    )
  }
  return (
    <Empty icon="experiments" title={t('empty')}>
      <p>{t('emptyText')}</p>
      <CodeBlock code={quickstart(name)} title="Python" />
      <p role="status">{t('waiting')}</p>
    </Empty>
  )
}

function quickstart(name: string): string {
  return `import mlflow

mlflow.set_tracking_uri("${location.origin + place.prefix}")
mlflow.set_experiment(${JSON.stringify(name)})

with mlflow.start_run():
    mlflow.log_param("rate", 0.1)
    for step in range(100):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
`
}

function More({
  name,
  source,
  table,
  search,
  setSearch,
}: {
  name: string
  source: RunSource
  table: TableColumns
  search: RunsSearch
  setSearch: SetSearch
}): ReactElement {
  const { t } = useTranslation('runs')
  const { t: common } = useTranslation()
  const toast = useToast()
  const [done, setDone] = useState<number | null>(null)
  const stop = useRef<AbortController | null>(null)
  async function save(): Promise<void> {
    stop.current = new AbortController()
    setDone(0)
    try {
      const ids = table.ids.filter((id) => id !== SELECT)
      let rows = 0
      const count = (next: number) => {
        rows = next
        setDone(next)
      }
      const csv = await toCsv(source, ids, count, stop.current.signal)
      download(csv, `${name.replace(/[^\w.-]+/g, '_').slice(0, 100)}.csv`)
      toast(t('exported', { count: rows }))
    } catch (error) {
      if (!stop.current.signal.aborted) toast(error instanceof Error ? error.message : String(error), { kind: 'bad' })
    } finally {
      setDone(null)
    }
  }
  if (done !== null) {
    return (
      <span className={styles.count} role="status">
        {t('exporting', { count: done })}{' '}
        <Button small onClick={() => stop.current?.abort()}>
          {common('cancel')}
        </Button>
      </span>
    )
  }
  return (
    <Menu trigger={<IconButton icon="more" kind="plain" label={t('more')} />}>
      <MenuItem icon="download" onSelect={() => void save()}>
        {t('export')}
      </MenuItem>
      <MenuItem
        icon={search.deleted ? 'restore' : 'trash'}
        onSelect={() => setSearch({ deleted: search.deleted ? undefined : true, sel: undefined, at: undefined })}
      >
        {search.deleted ? t('showActive') : t('showDeleted')}
      </MenuItem>
    </Menu>
  )
}
