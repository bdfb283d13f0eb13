import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { formatCount } from '@/components/format'
import { Loading } from '@/components/Notice'
import styles from './artifacts.module.css'
import { nameOf } from './kinds'
import { Refused } from './Refused'
import { Rows } from './Rows'
import type { FileProps } from './source'
import { usePreview } from './usePreview'

const PAGE = 100

/** A CSV or Parquet file, page by page: the server reads the rows that are looked at. */
export function TableView(file: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  // The tokens of the pages up to this one: each leads on from the one before.
  const [tokens, setTokens] = useState<(string | null)[]>([null])
  const { data, error, refetch, isPlaceholderData } = usePreview(file.source, file.path, tokens.at(-1) ?? null)
  if (error) return <Refused {...file} error={error} retry={() => void refetch()} />
  const table = data?.table
  if (!table) return <Loading />
  const first = (tokens.length - 1) * PAGE
  return (
    <>
      <div className={styles.textTools}>
        <span role="status">
          {t('rows', {
            from: formatCount(first + (table.rows.length && 1)),
            to: formatCount(first + table.rows.length),
          })}
        </span>
        {table.total_columns > table.columns.length && (
          <span className={styles.dim}>
            {t('columns', { shown: table.columns.length, count: table.total_columns })}
          </span>
        )}
        <span className={styles.grow} />
        <Button small disabled={tokens.length === 1} onClick={() => setTokens(tokens.slice(0, -1))}>
          {t('before')}
        </Button>
        <Button
          small
          disabled={!table.next_page_token || isPlaceholderData}
          onClick={() => setTokens([...tokens, table.next_page_token!])}
        >
          {t('next')}
        </Button>
      </div>
      <Rows label={nameOf(file.path)} columns={table.columns} rows={table.rows} first={first} />
    </>
  )
}
