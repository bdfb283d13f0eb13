import type { ReactElement } from 'react'
import { formatCount } from '@/components/format'
import styles from './artifacts.module.css'

const NUMBER = /int|float|double|decimal/i
const LOOKS_NUMBER = /^-?\d[\d.,eE+-]*$/

/** A page of a table's rows. */
export function Rows({
  label,
  columns,
  rows,
  first = 0,
}: {
  label: string
  columns: readonly { name: string; type: string }[]
  rows: readonly (readonly (string | null)[])[]
  first?: number
}): ReactElement {
  const isNumber = columns.map(
    (column, index) => NUMBER.test(column.type) || rows.every((row) => LOOKS_NUMBER.test(row[index] ?? '0')),
  )
  return (
    // What scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles.rows} data-scrolls tabIndex={0} role="region" aria-label={label}>
      <table aria-label={label}>
        <thead>
          <tr>
            <td aria-hidden="true" />
            {columns.map((column, index) => (
              <th key={index} scope="col" data-number={isNumber[index] || undefined}>
                {column.name}
                {column.type !== 'text' && <span>{column.type}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={place}>
              <th scope="row">{formatCount(first + place + 1)}</th>
              {columns.map((_, index) => (
                <td key={index} data-number={isNumber[index] || undefined}>
                  {row[index] ?? <i>–</i>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
