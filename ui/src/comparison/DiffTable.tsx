import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, type CSSProperties, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { runColor } from '@/charts/colors'
import type { Run } from '@/charts/data'
import { useTyped } from '@/charts/useTyped'
import { Check, inputClass } from '@/components/Field'
import { formatNumber } from '@/components/format'
import styles from './comparison.module.css'
import { makeRows, type Row, type SectionName } from './rows'
import type { ChangeCompare, CompareSettings } from './settings'
import { usePackages } from './usePackages'

const ROW_PX = 30
const COLUMN_PX = 168
const FIRST_PX = 208

type Line = Row | { heading: SectionName }

/** What runs are, a column each: what differs, or all. The first is what the others are compared with. */
export function DiffTable({
  runs,
  settings,
  change,
}: {
  runs: Run[]
  settings: CompareSettings
  change: ChangeCompare
}): ReactElement {
  const { t } = useTranslation('compare')
  const packages = usePackages(runs)
  const rows = useMemo(() => makeRows(runs, packages), [runs, packages])
  const [typed, type] = useTyped(settings.find ?? '', (next) => change({ find: next }))
  const find = (settings.find ?? '').trim().toLowerCase()
  const shown = rows.filter((row) => (settings.all || row.isChanged) && row.name.toLowerCase().includes(find))
  return (
    <div className={styles.stack}>
      <div className={styles.bar}>
        <input
          type="search"
          className={`${inputClass} ${styles.find}`}
          placeholder={t('find')}
          aria-label={t('find')}
          value={typed}
          onChange={(event) => type(event.target.value)}
        />
        <Check
          label={t('onlyChanged')}
          checked={!settings.all}
          onChange={(event) => change({ all: event.target.checked ? undefined : true })}
        />
        <span className={styles.dim}>{t('rows', { count: shown.length, all: rows.length })}</span>
      </div>
      {shown.length > 0 ? (
        <Windowed runs={runs} rows={shown} />
      ) : (
        <p className={styles.dim}>{t(find ? 'noneFound' : 'allSame')}</p>
      )}
    </div>
  )
}

function Windowed({ runs, rows }: { runs: Run[]; rows: Row[] }): ReactElement {
  const { t } = useTranslation('compare')
  const scroller = useRef<HTMLDivElement>(null)
  const lines = useMemo<Line[]>(
    () =>
      rows.flatMap((row, index) =>
        rows[index - 1]?.section === row.section ? [row] : [{ heading: row.section }, row],
      ),
    [rows],
  )
  const getScrollElement = () => scroller.current
  const down = useVirtualizer({ count: lines.length, getScrollElement, estimateSize: () => ROW_PX, overscan: 12 })
  const across = useVirtualizer({
    horizontal: true,
    count: runs.length,
    getScrollElement,
    estimateSize: () => COLUMN_PX,
    scrollPaddingStart: FIRST_PX,
    overscan: 4,
  })
  const columns = across.getVirtualItems()
  const shown = down.getVirtualItems()
  const left = columns[0]?.start ?? 0
  const right = across.getTotalSize() - (columns.at(-1)?.end ?? 0)
  const size = (px: number): CSSProperties => ({ width: px, minWidth: px })
  return (
    // What scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles.scroller} ref={scroller} data-scrolls tabIndex={0}>
      <table
        className={styles.diff}
        aria-label={t('parts.differences')}
        aria-rowcount={lines.length + 1}
        aria-colcount={runs.length + 1}
        style={{ width: FIRST_PX + across.getTotalSize() }}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" style={size(FIRST_PX)} aria-colindex={1}>
              {t('runs', { count: runs.length })}
            </th>
            {left > 0 && <td style={size(left)} aria-hidden="true" />}
            {columns.map(({ index }) => {
              const run = runs[index]!
              return (
                <th key={run.run_id} scope="col" style={size(COLUMN_PX)} aria-colindex={index + 2}>
                  <i style={{ background: runColor(run.run_id) }} />
                  <Link to="/runs/$runId" params={{ runId: run.run_id }} title={run.name}>
                    {run.name}
                  </Link>
                </th>
              )
            })}
            {right > 0 && <td style={size(right)} aria-hidden="true" />}
          </tr>
        </thead>
        <tbody>
          <Spacer height={shown[0]?.start ?? 0} />
          {shown.map(({ index }) => {
            const line = lines[index]!
            if ('heading' in line) {
              return (
                <tr key={line.heading} aria-rowindex={index + 2} className={styles.heading}>
                  <th scope="rowgroup">{t(`sections.${line.heading}`)}</th>
                  <td colSpan={columns.length + 2} />
                </tr>
              )
            }
            return (
              <tr
                key={`${line.section}/${line.name}`}
                aria-rowindex={index + 2}
                data-changed={line.isChanged || undefined}
              >
                <th scope="row" title={line.name} aria-colindex={1}>
                  {line.section === 'run' ? t(`run.${line.name as 'status'}`) : line.name}
                </th>
                {left > 0 && <td aria-hidden="true" />}
                {columns.map((column) => (
                  <Cell key={column.index} row={line} index={column.index} />
                ))}
                {right > 0 && <td aria-hidden="true" />}
              </tr>
            )
          })}
          <Spacer height={down.getTotalSize() - (shown.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
    </div>
  )
}

function Spacer({ height }: { height: number }): ReactElement | null {
  if (height <= 0) return null
  return (
    <tr aria-hidden="true">
      <td className={styles.spacer} style={{ height }} />
    </tr>
  )
}

function Cell({ row, index }: { row: Row; index: number }): ReactElement {
  const value = row.values[index] ?? null
  const first = row.values[0] ?? null
  const isOther = String(value) !== String(first)
  const text = value === null ? '–' : typeof value === 'number' ? formatNumber(value) : value
  const isNumber = typeof value === 'number'
  const more = isNumber && typeof first === 'number' && isOther ? value - first : NaN
  return (
    <td
      title={value === null ? undefined : String(value)}
      aria-colindex={index + 2}
      data-other={isOther || undefined}
      className={isNumber ? styles.number : undefined}
    >
      <span>{text}</span>
      {Number.isFinite(more) && (
        <small>
          {more > 0 ? '+' : '−'}
          {formatNumber(Number(Math.abs(more).toPrecision(3)))}
        </small>
      )}
    </td>
  )
}
