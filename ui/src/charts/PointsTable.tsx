import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { formatCount, formatNumber, formatTime } from '@/components/format'
import { Dialog } from '@/components/Dialog'
import { SelectField } from '@/components/Field'
import { numberClass, Table } from '@/components/Page'
import styles from './charts.module.css'
import { extentOf } from './curves'
import { columnsOf } from './looking'
import type { Line, Picture } from './draw'
import type { XAxis } from './settings'
import { formatPlace } from './words'

const MOST_ROWS = 1000

/** What a chart shows, as a table: each run in a line, or the points of one. */
export function PointsTable({
  title,
  picture,
  x,
  onClose,
}: {
  title: string
  picture: Picture
  x: XAxis
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('charts')
  const [chosen, choose] = useState('')
  const line = picture.lines.find(({ id }) => id === chosen)
  const choices: [string, string][] = [
    ['', t('table.all')],
    ...picture.lines.map(({ id, name }) => [id, name] as [string, string]),
  ]
  return (
    <Dialog open wide onClose={onClose} title={title} description={t('table.told', { axis: t(`x.${x}`) })}>
      {picture.lines.length > 0 && (
        <div className={styles.choose}>
          <SelectField
            label={t('table.show')}
            choices={choices}
            value={chosen}
            onChange={(event) => choose(event.target.value)}
          />
        </div>
      )}
      {line ? <Points line={line} x={x} /> : <Summary picture={picture} x={x} title={title} />}
    </Dialog>
  )
}

function Summary({ picture, x, title }: { picture: Picture; x: XAxis; title: string }): ReactElement {
  const { t } = useTranslation('charts')
  const totals = new Map(picture.lines.map(({ id, total }) => [id, total]))
  const heads = ['first', 'last', 'min', 'max', 'from', 'to', 'points'] as const
  return (
    <Table label={title}>
      <thead>
        <tr>
          <th scope="col">{t(picture.lines.length ? 'table.run' : 'table.group')}</th>
          {heads.map((head) => (
            <th key={head} scope="col" className={numberClass}>
              {t(`table.${head}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {columnsOf(picture).map(({ id, name, color, xs, ys }) => {
          const numbers = ys.filter((value) => !Number.isNaN(value))
          const [min, max] = extentOf([ys]) ?? [NaN, NaN]
          return (
            <tr key={id}>
              <th scope="row" className={styles.keyed}>
                <i style={{ background: color }} />
                {name}
              </th>
              {[numbers[0] ?? NaN, numbers.at(-1) ?? NaN, min, max].map((value, index) => (
                <td key={index} className={numberClass}>
                  {formatNumber(value)}
                </td>
              ))}
              <td className={numberClass}>{formatPlace(x, xs[0]!)}</td>
              <td className={numberClass}>{formatPlace(x, xs.at(-1)!)}</td>
              <td className={numberClass}>{formatCount(totals.get(id) ?? xs.length)}</td>
            </tr>
          )
        })}
      </tbody>
    </Table>
  )
}

function Points({ line, x }: { line: Line; x: XAxis }): ReactElement {
  const { t } = useTranslation('charts')
  const every = Math.ceil(line.xs.length / MOST_ROWS)
  const rows = Array.from(line.xs.keys()).filter((index) => index % every === 0)
  return (
    <Table label={line.name}>
      <thead>
        <tr>
          <th scope="col" className={numberClass}>
            {t('x.step')}
          </th>
          <th scope="col" className={numberClass}>
            {t('x.time')}
          </th>
          {x === 'relative' && (
            <th scope="col" className={numberClass}>
              {t('x.relative')}
            </th>
          )}
          <th scope="col" className={numberClass}>
            {t('table.value')}
          </th>
          {line.smooth && (
            <th scope="col" className={numberClass}>
              {t('table.smoothed')}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((index) => (
          <tr key={index}>
            <td className={numberClass}>{formatCount(line.steps[index]!)}</td>
            <td className={numberClass}>{formatTime(line.times[index]!)}</td>
            {x === 'relative' && <td className={numberClass}>{formatPlace(x, line.xs[index]!)}</td>}
            <td className={numberClass}>{formatNumber(line.ys[index]!)}</td>
            {line.smooth && <td className={numberClass}>{formatNumber(line.smooth[index]!)}</td>}
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
