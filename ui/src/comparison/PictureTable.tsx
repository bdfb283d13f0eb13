import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { runColor } from '@/charts/colors'
import type { Run } from '@/charts/data'
import { formatNumber } from '@/components/format'
import { numberClass, Table } from '@/components/Page'
import styles from './comparison.module.css'
import type { Field } from './fields'

const MOST = 200

/** The numbers behind a picture: of `indexes`, the runs that it shows. */
export function PictureTable({
  runs,
  indexes,
  fields,
}: {
  runs: Run[]
  indexes: number[]
  fields: Field[]
}): ReactElement {
  const { t } = useTranslation('compare')
  return (
    <details className={styles.behind}>
      <summary>{t('behind', { count: indexes.length, all: runs.length })}</summary>
      <Table label={t('behind', { count: indexes.length, all: runs.length })}>
        <thead>
          <tr>
            <th scope="col">{t('runName')}</th>
            {fields.map(({ id, name, isNumeric }) => (
              <th key={id} scope="col" className={isNumeric ? numberClass : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {indexes.slice(0, MOST).map((index) => {
            const { run_id: runId, name } = runs[index]!
            return (
              <tr key={runId}>
                <th scope="row" className={styles.keyed}>
                  <i style={{ background: runColor(runId) }} />
                  <Link to="/runs/$runId" params={{ runId }}>
                    {name}
                  </Link>
                </th>
                {fields.map((field) => (
                  <td key={field.id} className={field.isNumeric ? numberClass : undefined}>
                    {writeValue(field.values[index])}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </Table>
    </details>
  )
}

export function writeValue(value: number | string | null | undefined): string {
  return value === null || value === undefined ? '–' : formatNumber(value)
}
