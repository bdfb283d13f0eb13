import { useQueries } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactElement, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/Button'
import { Check } from '@/components/Field'
import { formatNumber } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { Card, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { versionQuery } from './data'
import { Alias, StageBadge } from './Marks'
import { bestOf, columnsOf, isSmallerBetter, type Details } from './models'
import styles from './models.module.css'
import { RunLink } from './Versions'

type Cell = string | number | undefined
interface Row {
  key: string
  cells: Cell[]
}

/** Versions of a model beside each other: what they are, and what differs. */
export function Compare({ name, versions }: { name: string; versions: number[] }): ReactElement {
  const { t } = useTranslation('models')
  const { all = false, flipped = [] } = useSearch({ from: '/models/$name' })
  const navigate = useNavigate({ from: '/models/$name' })
  const answers = useQueries({ queries: versions.map((version) => versionQuery(name, version)) })
  const failed = answers.find((each) => each.error)
  if (failed?.error) return <Failed error={failed.error} retry={() => void failed.refetch()} />
  const details = answers.flatMap(({ data }) => (data ? [data] : []))
  if (details.length < versions.length) return <Loading />
  const sections: [title: string, rows: Row[], isMetric?: boolean][] = [
    [t('metrics'), rowsOf(details, (each) => each.metrics ?? {}), true],
    [t('params'), rowsOf(details, (each) => each.params ?? {})],
    [t('signature.title'), rowsOf(details, signatureOf)],
    [t('tags.title'), rowsOf(details, (each) => each.tags ?? {})],
  ]
  return (
    <>
      <div className={styles.tools}>
        <Link
          from="/models/$name"
          to="."
          search={(now) => ({ ...now, compare: undefined, all: undefined })}
          className={buttonClass()}
        >
          {t('compare.back')}
        </Link>
        <Check
          label={t('compare.changed')}
          checked={!all}
          onChange={() => void navigate({ search: (now) => ({ ...now, all: all ? undefined : true }), replace: true })}
        />
      </div>
      <Table label={t('compare.title')}>
        <thead>
          <tr>
            <th scope="col">{t('versionTitle')}</th>
            {details.map((each) => (
              <th key={each.version} scope="col">
                <Link to="/models/$name/versions/$version" params={{ name, version: String(each.version) }}>
                  {t('version', { version: each.version })}
                </Link>
              </th>
            ))}
          </tr>
        </thead>
        <tbody className={styles.compared}>
          <About title={t('stands')} details={details} cell={standing} />
          <About title={t('created')} details={details} cell={(each) => <Ago time={each.created_at} />} />
          <About title={t('by')} details={details} cell={(each) => each.user_id} />
          <About title={t('run')} details={details} cell={(each) => <RunLink runId={each.run_id} />} />
        </tbody>
      </Table>
      {sections.map(([title, rows, isMetric]) => {
        const shown = all ? rows : rows.filter((row) => new Set(row.cells).size > 1)
        if (rows.length === 0) return null
        return (
          <Card key={title} title={title}>
            {shown.length === 0 ? (
              <p className={styles.dim}>{t('compare.alike', { count: rows.length })}</p>
            ) : (
              <Table label={title}>
                <thead>
                  <tr>
                    <th scope="col">{t('key')}</th>
                    {details.map(({ version }) => (
                      <th key={version} scope="col">
                        {t('version', { version })}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody className={styles.compared}>
                  {shown.map((row) => (
                    <Compared
                      key={row.key}
                      row={row}
                      best={
                        isMetric
                          ? bestOf(row.cells, isSmallerBetter(row.key) !== flipped.includes(row.key))
                          : new Set<number>()
                      }
                    />
                  ))}
                </tbody>
              </Table>
            )}
          </Card>
        )
      })}
    </>
  )
}

function About({
  title,
  details,
  cell,
}: {
  title: string
  details: Details[]
  cell: (version: Details) => ReactNode
}): ReactElement {
  return (
    <tr>
      <th scope="row">{title}</th>
      {details.map((each) => (
        <td key={each.version}>{cell(each)}</td>
      ))}
    </tr>
  )
}

function standing(version: Details): ReactElement {
  return (
    <div className={styles.chips}>
      <StageBadge stage={version.stage} />
      {version.aliases?.map((alias) => (
        <Alias key={alias} name={alias} />
      ))}
    </div>
  )
}

function Compared({ row, best }: { row: Row; best: Set<number> }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <tr>
      <th scope="row">{row.key}</th>
      {row.cells.map((cell, place) => (
        <td key={place} className={best.has(place) ? styles.best : undefined}>
          {cell === undefined ? <span className={styles.dim}>–</span> : formatCell(cell)}
          {best.has(place) && <span title={t('best')}> ★</span>}
          {best.has(place) && <span className="visually-hidden"> ({t('best')})</span>}
        </td>
      ))}
    </tr>
  )
}

function formatCell(cell: string | number): string {
  return typeof cell === 'number' ? formatNumber(cell) : cell
}

function rowsOf(details: Details[], of: (version: Details) => Record<string, string | number>): Row[] {
  const records = details.map(of)
  const keys = [...new Set(records.flatMap((each) => Object.keys(each)))].filter((key) => !key.startsWith('mlflow.'))
  return keys.sort((a, b) => a.localeCompare(b)).map((key) => ({ key, cells: records.map((each) => each[key]) }))
}

function signatureOf(version: Details): Record<string, string> {
  const sides = (['inputs', 'outputs', 'params'] as const).flatMap((side) =>
    columnsOf(version.model_file, side).map((each) => [`${side}.${each.name}`, `${each.type}${each.shape}`] as const),
  )
  return Object.fromEntries(sides)
}
