import { useQuery } from '@tanstack/react-query'
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { formatCount } from '@/components/format'
import { Failed, Loading, Notice } from '@/components/Notice'
import styles from './artifacts.module.css'
import { readText } from './bytes'
import { nameOf } from './kinds'
import { readTable, type Json, type TableOfJson } from './json'
import { Rows } from './Rows'
import type { FileProps } from './source'
import { keyOf } from './source'
import { TextView } from './TextView'

const LARGEST = 8 * 1024 * 1024
const PAGE = 100

/** JSON as a tree that opens level by level, or as the table that MLflow's `log_table` has written. */
export function JsonView(file: FileProps): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const { source, path, size } = file
  const { data, error, refetch } = useQuery({
    queryKey: ['artifact json', keyOf(source), path, size],
    queryFn: async ({ signal }) => {
      const text = await readText(source, path, size, LARGEST, signal)
      return { value: text === null ? null : parse(text) }
    },
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  if (!data.value) {
    return (
      <>
        <Notice kind="warn">{t(size > LARGEST ? 'jsonTooLarge' : 'noJson')}</Notice>
        <TextView {...file} />
      </>
    )
  }
  const table = readTable(data.value.json)
  return table ? <JsonTable name={nameOf(path)} table={table} /> : <JsonTree value={data.value.json} />
}

function parse(text: string): { json: Json } | null {
  try {
    return { json: JSON.parse(text) as Json }
  } catch {
    // It is shown as the text that it is.
    return null
  }
}

function JsonTable({ name, table }: { name: string; table: TableOfJson }): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const [first, setFirst] = useState(0)
  const rows = useMemo(() => table.data.slice(first, first + PAGE).map((row) => row.map(written)), [table, first])
  return (
    <>
      <div className={styles.textTools}>
        <span role="status">
          {t('rowsOf', {
            from: formatCount(first + (rows.length && 1)),
            to: formatCount(first + rows.length),
            total: formatCount(table.data.length),
          })}
        </span>
        <span className={styles.grow} />
        <Button small disabled={first === 0} onClick={() => setFirst(first - PAGE)}>
          {t('before')}
        </Button>
        <Button small disabled={first + PAGE >= table.data.length} onClick={() => setFirst(first + PAGE)}>
          {t('next')}
        </Button>
      </div>
      <Rows
        label={name}
        columns={table.columns.map((each) => ({ name: each, type: 'text' }))}
        rows={rows}
        first={first}
      />
    </>
  )
}

function written(value: Json): string | null {
  if (value === null) return null
  return typeof value === 'object' ? JSON.stringify(value).slice(0, 1000) : String(value)
}

/** A value as a tree; of long lists a part at a time. */
export function JsonTree({ value }: { value: Json }): ReactElement {
  return (
    <div className={styles.json}>
      <JsonNode value={value} isOpen />
    </div>
  )
}

function JsonNode({ name, value, isOpen = false }: { name?: string; value: Json; isOpen?: boolean }): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const [open, setOpen] = useState(isOpen)
  const [shown, setShown] = useState(PAGE)
  const label = name === undefined ? null : <span className={styles.jsonName}>{name}: </span>
  if (value === null || typeof value !== 'object') {
    return (
      <div className={styles.jsonLeaf}>
        {label}
        <span data-type={value === null ? 'null' : typeof value}>{JSON.stringify(value)}</span>
      </div>
    )
  }
  const entries = Object.entries(value)
  const isList = Array.isArray(value)
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span className={styles.dim}>{t(isList ? 'list' : 'object', { count: entries.length })}</span>
      </summary>
      {open && (
        <div className={styles.jsonInner}>
          {entries.slice(0, shown).map(([key, each]) => (
            <JsonNode key={key} name={key} value={each} isOpen={entries.length === 1} />
          ))}
          {entries.length > shown && (
            <Button small onClick={() => setShown(shown + PAGE)}>
              {t('common:loadMore')}
            </Button>
          )}
        </div>
      )}
    </details>
  )
}
