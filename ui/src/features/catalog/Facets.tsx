import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { formatCount } from '@/components/format'
import styles from './catalog.module.css'
import { FACETS, type CatalogSearch } from './search'
import { facetBuckets, type Bucket, type Collection } from './stac'

const SHOWN = 8

/** Ways to narrow what was found, each with how many items it would leave. */
export function Facets({
  search,
  collections,
  counts,
  onChange,
}: {
  search: CatalogSearch
  collections: Collection[]
  counts: Map<string, Bucket[]> | undefined
  onChange: (change: Partial<CatalogSearch>) => void
}): ReactElement {
  const { t } = useTranslation('catalog')
  const kinds = collections.map(({ id, title }) => ({ id, title: title ?? id, count: countOf(counts, id) }))
  return (
    <aside className={styles.facets} aria-label={t('facets')}>
      <fieldset>
        <legend>{t('kind')}</legend>
        {kinds.map(({ id, title, count }) => (
          <Value
            key={id}
            label={title}
            count={count}
            isChosen={search.collection === id}
            onChoose={(isChosen) => onChange({ collection: isChosen ? id : undefined })}
          />
        ))}
      </fieldset>
      {FACETS.map((facet) => {
        const chosen = search[facet]
        const buckets = facetBuckets(counts, facet).slice(0, SHOWN)
        const all =
          chosen && !buckets.some(({ key }) => key === chosen) ? [{ key: chosen, frequency: 0 }, ...buckets] : buckets
        return (
          <fieldset key={facet} hidden={all.length === 0}>
            <legend>{t(`facet.${facet}`)}</legend>
            {all.map(({ key, frequency }) => (
              <Value
                key={key}
                label={key}
                count={frequency}
                isChosen={chosen === key}
                onChoose={(isChosen) => onChange({ [facet]: isChosen ? key : undefined })}
              />
            ))}
          </fieldset>
        )
      })}
    </aside>
  )
}

function Value({
  label,
  count,
  isChosen,
  onChoose,
}: {
  label: string
  count: number
  isChosen: boolean
  onChoose: (isChosen: boolean) => void
}): ReactElement {
  return (
    <label className={styles.value}>
      <input type="checkbox" checked={isChosen} onChange={(event) => onChoose(event.target.checked)} />
      <span>{label}</span>
      <span className={styles.dim}>{formatCount(count)}</span>
    </label>
  )
}

function countOf(counts: Map<string, Bucket[]> | undefined, collection: string): number {
  return counts?.get('collection_frequency')?.find(({ key }) => key === collection)?.frequency ?? 0
}
