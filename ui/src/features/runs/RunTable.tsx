import { useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState, type MouseEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/Button'
import { Icon } from '@/components/Icon'
import { useShortcut } from '@/components/shortcuts'
import { useToast } from '@/components/Toast'
import { DataGrid, type GridHandle } from '@/grid/DataGrid'
import { CellMenu, type PickedCell } from './CellMenu'
import { ColumnMenu } from './ColumnMenu'
import { NAME, nextSort, SELECT, valueOf, type Run } from './columns'
import { useCurves, type RunRows } from './data'
import { parts } from './filter'
import { Dot, runAddress, RunCell } from './RunCell'
import styles from './runs.module.css'
import type { RunsSearch } from './search'
import { useTitle, type SetSearch, type TableColumns } from './useTable'

const MOST_SELECTED = 500
const SETTLED_MS = 400
const NOT_FILTERED = [SELECT, NAME, 'attributes.duration', 'attributes.run_id']

/** The runs, one a row. */
export function RunTable({
  rows,
  table,
  search,
  setSearch,
}: {
  rows: RunRows
  table: TableColumns
  search: RunsSearch
  setSearch: SetSearch
}): ReactElement {
  const { t } = useTranslation('runs')
  const { t: common } = useTranslation()
  const navigate = useNavigate()
  const toast = useToast()
  const title = useTitle()
  const grid = useRef<GridHandle>(null)
  const anchor = useRef<number | null>(null)
  const [picked, setPicked] = useState<PickedCell | null>(null)
  const selected = useSet(search.sel)
  const hidden = useSet(search.hidden)
  const { rowAt, onView, loaded } = rows
  const curves = useCurves(loaded, table.ids)

  const select = useCallback(
    (ids: Set<string>) => {
      if (ids.size > MOST_SELECTED) return toast(t('bulk.most', { count: MOST_SELECTED }))
      setSearch({ sel: ids.size > 0 ? [...ids] : undefined }, true)
    },
    [setSearch, toast, t],
  )
  const toggle = useCallback(
    (index: number, isRange: boolean) => {
      const from = isRange ? (anchor.current ?? index) : index
      const [first, last] = [Math.min(from, index), Math.max(from, index)]
      const runs = Array.from({ length: Math.min(last - first + 1, MOST_SELECTED + 1) }, (_, place) =>
        rowAt(first + place),
      )
      const ids = runs.flatMap((run) => (run ? [run.run_id] : []))
      const next = new Set(selected)
      const isOn = !isRange && ids.every((id) => next.has(id))
      for (const id of ids) {
        if (isOn) next.delete(id)
        else next.add(id)
      }
      anchor.current = index
      select(next)
    },
    [rowAt, selected, select],
  )
  const toggleHidden = useCallback(
    (id: string) => {
      const next = new Set(hidden)
      if (!next.delete(id)) next.add(id)
      setSearch({ hidden: next.size > 0 ? [...next] : undefined }, true)
    },
    [hidden, setSearch],
  )
  const open = useCallback(
    (index: number) => {
      const run = rowAt(index)
      if (run) void navigate({ to: '/runs/$runId', params: { runId: run.run_id } })
    },
    [rowAt, navigate],
  )
  const remembered = useSettled((first: number) => setSearch({ at: first > 0 ? first : undefined }, true))
  const view = useCallback(
    (first: number, last: number) => {
      onView(first, last)
      remembered(first)
    },
    [onView, remembered],
  )
  const order = `${search.q ?? ''} ${search.sort ?? ''} ${String(search.deleted)}`
  const before = useRef(order)
  useEffect(() => {
    if (before.current !== order) grid.current?.scrollTo(0)
    before.current = order
  }, [order])

  const cell = useCallback(
    (run: Run, id: string) => {
      if (id === SELECT) {
        return (
          <input
            type="checkbox"
            tabIndex={-1}
            checked={selected.has(run.run_id)}
            readOnly
            aria-label={t('select', { name: run.name })}
          />
        )
      }
      if (id === NAME) {
        const isHidden = hidden.has(run.run_id)
        return (
          <span className={styles.name}>
            <Dot runId={run.run_id} isHidden={isHidden} />
            {run.tags?.['mlflow.parentRunId'] && (
              <span className={styles.child} title={t('child')}>
                ↳
              </span>
            )}
            <a
              href={runAddress(run.run_id)}
              tabIndex={-1}
              dir="auto"
              title={run.name.slice(0, 2000)}
              data-run={run.run_id}
            >
              {run.name.slice(0, 200)}
            </a>
            <button
              type="button"
              tabIndex={-1}
              className={styles.eye}
              aria-pressed={isHidden}
              aria-label={t('hide', { name: run.name })}
              data-hide={run.run_id}
            >
              <Icon name="eye" size={14} />
            </button>
          </span>
        )
      }
      const [, key] = parts(id)
      return (
        <RunCell run={run} id={id} status={common(`status.${run.status}`)} curve={curves.get(`${run.run_id} ${key}`)} />
      )
    },
    [selected, hidden, curves, t, common],
  )
  function pick(index: number, id: string, element: HTMLElement): void {
    const run = rowAt(index)
    const value = run && valueOf(run, id)
    if (value !== undefined && !NOT_FILTERED.includes(id)) setPicked({ id, value, element })
  }
  /** Links and eyes are plain elements, so that rows are light: what they do is done here. */
  function onClick(event: MouseEvent): void {
    const target = event.target as HTMLElement
    const eye = target.closest<HTMLElement>('[data-hide]')
    if (eye) return toggleHidden(eye.dataset.hide!)
    const link = target.closest<HTMLElement>('a[data-run]')
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    void navigate({ to: '/runs/$runId', params: { runId: link.dataset.run! } })
  }
  const keys = t('keys.group')
  useShortcut('j', t('keys.down'), keys, () => grid.current?.move(1))
  useShortcut('k', t('keys.up'), keys, () => grid.current?.move(-1))
  useShortcut('x', t('keys.select'), keys, () => {
    const row = grid.current?.activeRow() ?? -1
    if (row >= 0) toggle(row, false)
  })
  useShortcut('v', t('keys.hide'), keys, () => {
    const run = rowAt(grid.current?.activeRow() ?? -1)
    if (run) toggleHidden(run.run_id)
  })
  useShortcut('c', t('keys.compare'), keys, () => {
    if (selected.size > 0) void navigate({ to: '/compare', search: { runs: [...selected].join(',') } })
  })
  return (
    // What is clicked are the links and buttons inside.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div className={styles.frame} onClick={onClick}>
      <DataGrid
        ref={grid}
        label={t('table')}
        columns={table.columns}
        count={rows.total}
        rowAt={rowAt}
        cell={cell}
        head={() => (
          <IconButton
            icon={selected.size > 0 ? 'minus' : 'check'}
            small
            label={selected.size > 0 ? t('bulk.clear') : t('selectAll')}
            onClick={() => select(new Set(selected.size > 0 ? [] : loaded.map((run) => run.run_id)))}
          />
        )}
        menu={({ id, width }) => <ColumnMenu id={id} width={width} actions={table.actions} />}
        isSelected={(run) => selected.has(run.run_id)}
        onView={view}
        onOpen={open}
        onToggle={toggle}
        onCell={pick}
        onSort={(id) => setSearch({ sort: nextSort(search.sort, id) })}
        onMove={(id, to) => table.actions.move(id, to - 1 - table.ids.indexOf(id))}
        onResize={table.actions.resize}
        start={search.at}
      />
      {picked && (
        <CellMenu
          cell={picked}
          title={title(picked.id)}
          onFilter={table.actions.filter}
          onClose={() => setPicked(null)}
        />
      )}
    </div>
  )
}

function useSet(ids: string[] | undefined): Set<string> {
  const text = (ids ?? []).join(' ')
  const [known, setKnown] = useState({ text, ids: new Set(ids) })
  if (known.text === text) return known.ids
  const next = { text, ids: new Set(ids) }
  setKnown(next)
  return next.ids
}

/** Call with what came last, once nothing has come for a while. */
function useSettled<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const latest = useRef(call)
  useEffect(() => {
    latest.current = call
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback((...args: A) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => latest.current(...args), SETTLED_MS)
  }, [])
}
