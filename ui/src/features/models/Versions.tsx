import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/me'
import { Button, buttonClass, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Check } from '@/components/Field'
import { formatNumber } from '@/components/format'
import { Popover } from '@/components/Menu'
import { Empty, Failed, Loading } from '@/components/Notice'
import { numberClass, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useMeasured, useVersions } from './data'
import { Alias, StageBadge, Tags } from './Marks'
import { bestOf, isSmallerBetter, metricNames, MOST_COMPARED, type Measured, type Model, type Version } from './models'
import styles from './models.module.css'
import { registerCode } from './snippets'

const SHOWN_METRICS = 4
const SHORT = 8
const NOTHING: Measured[] = []

/** The versions of a model, the newest first, with metrics beside each other. */
export function Versions({ model }: { model: Model }): ReactElement {
  const { t } = useTranslation('models')
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useVersions(model.name)
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set())
  const versions = useMemo(() => data?.pages.flatMap((page) => page.items), [data])
  const numbers = useMemo(() => versions?.map((each) => each.version) ?? [], [versions])
  const measured = useMeasured(model.name, numbers).data ?? NOTHING
  const names = useMemo(() => metricNames(measured), [measured])
  const { metrics = names.slice(0, SHOWN_METRICS) } = useSearch({ from: '/models/$name' })
  if (error && !versions) return <Failed error={error} retry={() => void refetch()} />
  if (!versions) return <Loading />
  if (versions.length === 0) return <NoVersions name={model.name} />
  const shown = metrics.filter((each) => names.includes(each))

  function toggle(version: number): void {
    const next = new Set(selected)
    if (!next.delete(version)) next.add(version)
    setSelected(next)
  }

  return (
    <>
      <div className={styles.tools}>
        <CompareLink selected={selected} />
        {names.length > 0 && <MetricChooser names={names} shown={shown} />}
      </div>
      <Table label={t('versions')}>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">{t('compare.choose')}</span>
            </th>
            <th scope="col">{t('versionTitle')}</th>
            <th scope="col">{t('stands')}</th>
            <th scope="col">{t('created')}</th>
            <th scope="col">{t('run')}</th>
            {shown.map((metric) => (
              <MetricHead key={metric} metric={metric} />
            ))}
            <th scope="col">{t('tags.title')}</th>
          </tr>
        </thead>
        <VersionRows {...{ versions, measured, shown, selected, toggle }} />
      </Table>
      {hasNextPage && (
        <div className={styles.more}>
          <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
            {t('loadMore', { ns: 'common' })}
          </Button>
        </div>
      )}
    </>
  )
}

function VersionRows({
  versions,
  measured,
  shown,
  selected,
  toggle,
}: {
  versions: Version[]
  measured: Measured[]
  shown: string[]
  selected: ReadonlySet<number>
  toggle: (version: number) => void
}): ReactElement {
  const { t } = useTranslation('models')
  const { flipped = [] } = useSearch({ from: '/models/$name' })
  const metricsOf = new Map(measured.map((each) => [each.version, each.metrics]))
  const values = shown.map((metric) => versions.map(({ version }) => metricsOf.get(version)?.[metric]))
  const best = values.map((each, place) => {
    const metric = shown[place]!
    return bestOf(each, isSmallerBetter(metric) !== flipped.includes(metric))
  })
  return (
    <tbody className={styles.versions}>
      {versions.map((each, row) => (
        <tr key={each.version}>
          <td>
            <input
              type="checkbox"
              className={styles.select}
              aria-label={t('compare.select', { version: each.version })}
              checked={selected.has(each.version)}
              disabled={!selected.has(each.version) && selected.size >= MOST_COMPARED}
              onChange={() => toggle(each.version)}
            />
          </td>
          <th scope="row">
            <Link
              to="/models/$name/versions/$version"
              params={{ name: each.name, version: String(each.version) }}
              className={styles.number}
            >
              {t('version', { version: each.version })}
            </Link>
          </th>
          <td>
            <div className={styles.chips}>
              {each.stage !== 'None' && <StageBadge stage={each.stage} />}
              {each.aliases?.map((alias) => (
                <Alias key={alias} name={alias} />
              ))}
            </div>
          </td>
          <td>
            <Ago time={each.created_at} />
            <div className={`${styles.dim} ${styles.small}`}>{each.user_id}</div>
          </td>
          <td>
            <RunLink runId={each.run_id} />
          </td>
          {shown.map((metric, place) => (
            <Metric key={metric} value={values[place]![row]} isBest={best[place]!.has(row)} />
          ))}
          <td>
            <Tags tags={each.tags ?? {}} />
          </td>
        </tr>
      ))}
    </tbody>
  )
}

export function Metric({ value, isBest }: { value: number | string | undefined; isBest: boolean }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <td className={`${numberClass} ${isBest ? styles.best : ''}`}>
      {value === undefined ? <span className={styles.dim}>–</span> : formatNumber(value)}
      {isBest && <span title={t('best')}> ★</span>}
      {isBest && <span className="visually-hidden"> ({t('best')})</span>}
    </td>
  )
}

export function RunLink({ runId }: { runId: string | null | undefined }): ReactElement {
  if (!runId) return <span className={styles.dim}>–</span>
  return (
    <Link to="/runs/$runId" params={{ runId }}>
      <code>{shortId(runId)}</code>
    </Link>
  )
}

/** Ids begin with their time: those of one hour differ at their ends. */
function shortId(runId: string): string {
  return runId.length > SHORT ? `…${runId.slice(-SHORT)}` : runId
}

/** The head of a metric's column, which says and changes which of its values is the best. */
function MetricHead({ metric }: { metric: string }): ReactElement {
  const { t } = useTranslation('models')
  const { flipped = [] } = useSearch({ from: '/models/$name' })
  const navigate = useNavigate({ from: '/models/$name' })
  const isFlipped = flipped.includes(metric)
  const isSmaller = isSmallerBetter(metric) !== isFlipped
  function flip(): void {
    const next = isFlipped ? flipped.filter((each) => each !== metric) : [...flipped, metric]
    void navigate({ search: (now) => ({ ...now, flipped: next.length ? next : undefined }), replace: true })
  }
  return (
    <th scope="col" className={numberClass}>
      <span className={styles.metricHead}>
        {metric}
        <IconButton
          small
          icon={isSmaller ? 'down' : 'up'}
          label={t(isSmaller ? 'smallerBest' : 'largerBest', { metric })}
          onClick={flip}
        />
      </span>
    </th>
  )
}

function CompareLink({ selected }: { selected: ReadonlySet<number> }): ReactElement {
  const { t } = useTranslation('models')
  if (selected.size < 2) {
    return (
      <Button icon="compare" disabled>
        {t('compare.several')}
      </Button>
    )
  }
  const compare = [...selected].sort((a, b) => a - b).join(',')
  return (
    <Link
      from="/models/$name"
      to="."
      search={(now) => ({ ...now, compare })}
      className={buttonClass({ kind: 'primary' })}
    >
      {t('compare.these', { count: selected.size })}
    </Link>
  )
}

function MetricChooser({ names, shown }: { names: string[]; shown: string[] }): ReactElement {
  const { t } = useTranslation('models')
  const navigate = useNavigate({ from: '/models/$name' })
  function toggle(metric: string): void {
    const metrics = shown.includes(metric) ? shown.filter((each) => each !== metric) : [...shown, metric]
    // None at all is a choice too, and stays in the address.
    void navigate({ search: (now) => ({ ...now, metrics: metrics.length ? metrics : [''] }), replace: true })
  }
  return (
    <Popover
      label={t('metrics')}
      align="end"
      trigger={<Button icon="columns">{t('metricsShown', { count: shown.length, all: names.length })}</Button>}
    >
      <div className={styles.metrics} role="group" aria-label={t('metrics')}>
        {names.map((metric) => (
          <Check key={metric} label={metric} checked={shown.includes(metric)} onChange={() => toggle(metric)} />
        ))}
      </div>
    </Popover>
  )
}

function NoVersions({ name }: { name: string }): ReactElement {
  const { t } = useTranslation('models')
  const mayWrite = useMay('registry:write')
  return (
    <Empty icon="models" title={t('emptyModel.title')}>
      <p>{t('emptyModel.text')}</p>
      {mayWrite && (
        <div className={styles.code}>
          <CodeBlock title={t('empty.code')} code={registerCode(name)} />
        </div>
      )}
      <p className={styles.waiting} role="status">
        {t('empty.waiting')}
      </p>
    </Empty>
  )
}
