import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Loading, Notice } from '@/components/Notice'
import { SafeHtml } from '@/components/SafeHtml'
import styles from './artifacts.module.css'
import { folderOf } from './kinds'
import { Markdown } from './Markdown'
import { Refused } from './Refused'
import type { FileProps } from './source'
import { fileAddress } from './source'
import { usePreview } from './usePreview'

type Cell = Schemas['NotebookCell']
type Output = Schemas['NotebookOutput']

/** A Jupyter notebook: its cells, and what came out of them. */
export function NotebookView(file: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  const { data, error, refetch } = usePreview(file.source, file.path)
  if (error) return <Refused {...file} error={error} retry={() => void refetch()} />
  if (!data?.notebook) return <Loading />
  const { cells, total_cells: total } = data.notebook
  const folder = folderOf(file.path)
  const base = fileAddress(file.source, folder ? `${folder}/` : '')
  return (
    <div className={styles.notebook}>
      {cells.map((cell, index) => (
        <CellView key={index} cell={cell} base={base} />
      ))}
      {total > cells.length && <Notice>{t('moreCells', { shown: cells.length, count: total })}</Notice>}
    </div>
  )
}

function CellView({ cell, base }: { cell: Cell; base: string }): ReactElement {
  if (cell.kind === 'markdown') return <Markdown text={cell.source} base={base} />
  return (
    <div className={styles.cell}>
      <span className={styles.cellNumber}>[{cell.number ?? ' '}]</span>
      <div>
        {/* What scrolls must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className={styles.cellSource} data-scrolls tabIndex={0}>
          <code>{cell.source}</code>
        </pre>
        {cell.outputs.map((output, index) => (
          <OutputView key={index} output={output} />
        ))}
      </div>
    </div>
  )
}

function OutputView({ output }: { output: Output }): ReactElement {
  const { t } = useTranslation('artifacts')
  if (output.image) {
    return <img className={styles.output} src={`data:${output.image_type};base64,${output.image}`} alt={t('output')} />
  }
  if (output.html) {
    return (
      <div className={styles.output}>
        <SafeHtml html={output.html} />
      </div>
    )
  }
  return (
    // What scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={styles.output} data-error={output.is_error || undefined} data-scrolls tabIndex={0}>
      {output.text}
    </pre>
  )
}
