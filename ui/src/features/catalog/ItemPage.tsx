import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { request } from '@/api/client'
import { useMay } from '@/api/me'
import { projectAddress } from '@/api/place'
import { noteVisit } from '@/api/recent'
import { Badge } from '@/components/Badge'
import { Button, buttonClass } from '@/components/Button'
import { formatCount } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { Page, TabBar, tabClass } from '@/components/Page'
import { useToast } from '@/components/Toast'
import { LineageGraph } from '@/lineage/LineageGraph'
import { About } from './About'
import { Assets } from './Assets'
import { Metadata } from './Metadata'
import { TABS } from './search'
import { collectionsQuery, itemQuery, projectOf, textOf, type Readme, type StacItem } from './stac'

const route = getRouteApi('/catalog/$collection/$itemId')
const WorldMap = lazy(() => import('./WorldMap'))

/** One item of the catalog: what it says of itself, its files, what it came from, and what it is to machines. */
export function ItemPage(): ReactElement {
  const { t } = useTranslation('catalog')
  const { collection, itemId } = route.useParams()
  const { tab = 'about' } = route.useSearch()
  const { data: item, error, refetch } = useQuery(itemQuery(collection, itemId))
  const { data: collections = [] } = useQuery(collectionsQuery)
  const { data: readme } = useReadme(item)
  const title = item ? textOf(item, 'title') || item.id : itemId
  useEffect(() => {
    if (item) noteVisit({ kind: 'item', path: `/catalog/${item.collection}/${item.id}`, name: title })
  }, [item, title])
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!item) return <Loading />
  const kind = collections.find((each) => each.id === item.collection)?.title ?? item.collection
  return (
    <Page
      title={title}
      crumbs={[
        <Link key="catalog" to="/catalog">
          {t('title')}
        </Link>,
        <Link key="kind" to="/catalog" search={{ collection: item.collection }}>
          {kind}
        </Link>,
      ]}
      beside={
        <>
          <Badge kind="accent">{kind}</Badge>
          {readme && readme.warnings.length > 0 && (
            <Badge kind="warn" icon="warning">
              {t('warnings', { count: readme.warnings.length })}
            </Badge>
          )}
        </>
      }
      actions={
        <>
          <Star item={item} />
          <a className={buttonClass()} href={projectAddress(projectOf(item))}>
            {t('openProject')}
          </a>
        </>
      }
    >
      <TabBar label={title}>
        {TABS.map((each) => (
          <Link
            key={each}
            from="/catalog/$collection/$itemId"
            to="."
            search={{ tab: each === 'about' ? undefined : each }}
            className={tabClass}
            aria-current={each === tab ? 'page' : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
          >
            {t(`tabs.${each}`)}
          </Link>
        ))}
      </TabBar>
      {tab === 'about' && <About item={item} readme={readme} map={<Where item={item} />} />}
      {tab === 'files' && <Assets item={item} />}
      {tab === 'lineage' && <LineageGraph of={`item:${item.id}`} />}
      {tab === 'metadata' && <Metadata item={item} warnings={readme?.warnings ?? []} />}
    </Page>
  )
}

function Where({ item }: { item: StacItem }): ReactElement | null {
  if (!item.bbox) return null
  return (
    <Suspense fallback={<Loading />}>
      <WorldMap items={[item]} />
    </Suspense>
  )
}

function Star({ item }: { item: StacItem }): ReactElement {
  const { t } = useTranslation('catalog')
  const toast = useToast()
  const queries = useQueryClient()
  const isSignedIn = useMay('signed_in')
  const stars = Number(item.properties['sharinghub:stars'] ?? 0)
  const { mutate, isPending } = useMutation({
    mutationFn: () => request('/api/v1/project/star', { method: 'PUT' }, `/p/${projectOf(item)}`),
    onSuccess: () => {
      toast(t('starred', { name: textOf(item, 'title') }))
      void queries.invalidateQueries({ queryKey: ['stac'] })
    },
    onError: (error) => toast(error.message, { kind: 'bad' }),
  })
  return (
    <Button icon="star" disabled={!isSignedIn || isPending} onClick={() => mutate()}>
      {t('star')} {formatCount(stars)}
    </Button>
  )
}

/** The README of the item's project as safe HTML, and what is wrong with its metadata. */
function useReadme(item: StacItem | undefined) {
  const project = item ? projectOf(item) : ''
  return useQuery({
    queryKey: ['readme', project],
    enabled: project !== '',
    queryFn: async ({ signal }) => {
      return (await (await request('/api/v1/project/readme', { signal }, `/p/${project}`)).json()) as Readme
    },
  })
}
