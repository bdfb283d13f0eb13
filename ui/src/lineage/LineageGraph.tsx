import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap, type Schemas } from '@/api/client'
import { Button } from '@/components/Button'
import { Check, SelectField } from '@/components/Field'
import { Empty, Failed, Loading, Notice } from '@/components/Notice'
import { collapse, type NodeKind } from './collapse'
import { Hops } from './Hops'
import styles from './lineage.module.css'

const Picture = lazy(() => import('./Picture').then((file) => ({ default: file.Picture })))
const HOPS = ['1', '2', '3', '4', '5'] as const
const MANY = 12

type Direction = Schemas['Lineage']['direction']

/** What a node came from and what came of it, two hops each way, as a picture or as a list. */
export function LineageGraph({ of }: { of: string }): ReactElement {
  const { t } = useTranslation('lineage')
  const [hops, setHops] = useState(2)
  const [direction, setDirection] = useState<Direction>('both')
  const [isList, setList] = useState(false)
  const [collapsed, setCollapsed] = useState<ReadonlySet<NodeKind> | null>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['lineage', of, hops, direction],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/lineage', { params: { query: { of, hops, direction } }, signal })),
    placeholderData: keepPreviousData,
  })
  const counts = useMemo(() => countKinds(data?.nodes ?? []), [data])
  const hidden = useMemo(() => collapsed ?? manyKinds(counts), [collapsed, counts])
  const picture = useMemo(() => data && collapse(data.nodes, data.edges, data.of, hidden), [data, hidden])
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data || !picture) return <Loading />
  if (data.edges.length === 0) return <Alone />
  return (
    <section className={styles.graph} aria-label={t('title')}>
      <div className={styles.controls}>
        <SelectField
          label={t('hops')}
          value={String(hops)}
          choices={HOPS.map((each) => [each, each])}
          onChange={(event) => setHops(Number(event.target.value))}
        />
        <SelectField
          label={t('direction')}
          value={direction}
          choices={(['both', 'up', 'down'] as const).map((each) => [each, t(`directions.${each}`)])}
          onChange={(event) => setDirection(event.target.value as Direction)}
        />
        <fieldset className={styles.kinds} hidden={isList}>
          <legend>{t('collapse')}</legend>
          {[...counts].map(([kind, count]) => (
            <Check
              key={kind}
              label={`${t(`kinds.${kind}`)} (${count})`}
              checked={hidden.has(kind)}
              disabled={count < 2}
              onChange={() => setCollapsed(toggled(hidden, kind))}
            />
          ))}
        </fieldset>
        <Button aria-pressed={isList} onClick={() => setList(!isList)}>
          {t('asList')}
        </Button>
      </div>
      {data.truncated && <Notice kind="warn">{t('truncated', { count: data.nodes.length })}</Notice>}
      {isList ? (
        <Hops lineage={data} />
      ) : (
        <Suspense fallback={<Loading />}>
          <Picture picture={picture} of={data.of} />
        </Suspense>
      )}
    </section>
  )
}

function Alone(): ReactElement {
  const { t } = useTranslation('lineage')
  return (
    <Empty icon="lineage" title={t('alone.title')}>
      <p>{t('alone.text')}</p>
    </Empty>
  )
}

function countKinds(nodes: Schemas['LineageNode'][]): Map<NodeKind, number> {
  const counts = new Map<NodeKind, number>()
  for (const { kind } of nodes) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** The kinds of which there are so many that they are put together unless one asks. */
function manyKinds(counts: Map<NodeKind, number>): ReadonlySet<NodeKind> {
  return new Set([...counts].filter(([, count]) => count > MANY).map(([kind]) => kind))
}

function toggled(kinds: ReadonlySet<NodeKind>, kind: NodeKind): ReadonlySet<NodeKind> {
  const next = new Set(kinds)
  if (!next.delete(kind)) next.add(kind)
  return next
}
