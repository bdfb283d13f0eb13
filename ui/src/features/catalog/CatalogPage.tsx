import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { SelectField, TextField } from '@/components/Field'
import { formatCount } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { Page } from '@/components/Page'
import styles from './catalog.module.css'
import { Facets } from './Facets'
import { ItemCard } from './ItemCard'
import { NothingFound } from './NothingFound'
import { ORDERS, type CatalogSearch } from './search'
import { collectionsQuery, countFacets, findItems, tokenOf } from './stac'

const WorldMap = lazy(() => import('./WorldMap'))
const route = getRouteApi('/catalog')

/** Everything that was published and that one may see: by words, by facets, by place and time. */
export function CatalogPage(): ReactElement {
  const { t } = useTranslation('catalog')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { data: collections = [] } = useQuery(collectionsQuery)
  const { data: page, error, refetch } = useQuery({ ...findItems(search), placeholderData: keepPreviousData })
  const { data: counts } = useQuery({ ...countFacets(search), placeholderData: keepPreviousData })
  const titles = new Map(collections.map(({ id, title }) => [id, title ?? id]))

  // What narrows the search begins at its first page.
  const change = (next: Partial<CatalogSearch>, replace = false) =>
    void navigate({ search: (before) => ({ ...before, token: undefined, ...next }), replace })

  return (
    <Page
      title={t('title')}
      actions={
        <Button aria-pressed={search.map === 'on'} onClick={() => change({ map: search.map ? undefined : 'on' })}>
          {t('map.show')}
        </Button>
      }
    >
      <div className={styles.asked}>
        <TextField
          label={t('words')}
          type="search"
          value={search.q ?? ''}
          placeholder={t('wordsHint')}
          onChange={(event) => change({ q: event.target.value || undefined }, true)}
        />
        <SelectField
          label={t('order')}
          value={search.order ?? ORDERS[0]}
          choices={ORDERS.map((each) => [each, t(`orders.${each.replace(/^-|sharinghub:/g, '')}` as 'orders.updated')])}
          onChange={(event) => change({ order: event.target.value as CatalogSearch['order'] })}
        />
      </div>
      <div className={styles.columns}>
        <Facets search={search} collections={collections} counts={counts} onChange={change} />
        <section className={styles.results} aria-label={t('results')}>
          {search.map === 'on' && <MapSearch search={search} items={page?.features ?? []} onChange={change} />}
          {error && <Failed error={error} retry={() => void refetch()} />}
          {!page && !error && <Loading />}
          {page && (
            <>
              <p className={styles.count} role="status">
                {t('found', { count: page.numberMatched, shown: formatCount(page.numberMatched) })}
              </p>
              {page.features.map((item) => (
                <ItemCard
                  key={`${item.collection}/${item.id}`}
                  item={item}
                  kind={titles.get(item.collection) ?? item.collection}
                />
              ))}
              {page.numberMatched === 0 && (
                <NothingFound search={search} onClear={() => void navigate({ search: {} })} />
              )}
              <nav className={styles.pages} aria-label={t('pages')}>
                {(['prev', 'next'] as const).map((rel) => {
                  const token = tokenOf(page, rel)
                  return (
                    token && (
                      <Button key={rel} onClick={() => change({ token })}>
                        {t(rel)}
                      </Button>
                    )
                  )
                })}
              </nav>
            </>
          )}
        </section>
      </div>
    </Page>
  )
}

function MapSearch({
  search,
  items,
  onChange,
}: {
  search: CatalogSearch
  items: Parameters<typeof WorldMap>[0]['items']
  onChange: (change: Partial<CatalogSearch>) => void
}): ReactElement {
  const { t } = useTranslation('catalog')
  const box = search.bbox?.split(',').map(Number) as [number, number, number, number] | undefined
  return (
    <div className={styles.place}>
      <Suspense fallback={<Loading />}>
        <WorldMap items={items} box={box} onBox={(next) => onChange({ bbox: next.join(',') })} />
      </Suspense>
      <div className={styles.fields}>
        <TextField
          key={search.bbox ?? ''}
          label={t('map.box')}
          hint={t('map.boxHint')}
          defaultValue={search.bbox ?? ''}
          onBlur={(event) => onChange({ bbox: event.target.value.replaceAll(' ', '') || undefined })}
        />
        <TextField
          label={t('from')}
          type="date"
          value={search.from ?? ''}
          onChange={(event) => onChange({ from: event.target.value || undefined })}
        />
        <TextField
          label={t('to')}
          type="date"
          value={search.to ?? ''}
          onChange={(event) => onChange({ to: event.target.value || undefined })}
        />
      </div>
    </div>
  )
}
