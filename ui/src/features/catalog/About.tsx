import { Link } from '@tanstack/react-router'
import { Fragment, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/Badge'
import { Card } from '@/components/Page'
import { SafeHtml } from '@/components/SafeHtml'
import { Ago } from '@/components/Time'
import styles from './catalog.module.css'
import { Snippets } from './Snippets'
import { previewOf, projectOf, textOf, type Readme, type StacItem, type StacLink } from './stac'

/** The README, and beside it what is known of the item. */
export function About({
  item,
  readme,
  map,
}: {
  item: StacItem
  readme: Readme | undefined
  map: ReactNode
}): ReactElement {
  const { t } = useTranslation('catalog')
  const preview = previewOf(item)
  return (
    <div className={styles.about}>
      <div className={styles.side}>
        {preview && <img className={styles.preview} src={preview} alt={t('preview')} />}
        {readme?.html ? (
          <Card>
            <SafeHtml html={readme.html} />
          </Card>
        ) : (
          <p>{textOf(item, 'description') || t('noReadme')}</p>
        )}
        <Card title={t('use')}>
          <Snippets item={item} />
        </Card>
      </div>
      <div className={styles.side}>
        <Facts item={item} />
        {map}
        <Related item={item} />
      </div>
    </div>
  )
}

function Facts({ item }: { item: StacItem }): ReactElement {
  const { t } = useTranslation('catalog')
  const keywords = (item.properties['keywords'] as string[] | undefined) ?? []
  const doi = textOf(item, 'sci:doi')
  const facts: [string, ReactNode][] = [
    [t('project'), projectOf(item)],
    [t('license'), textOf(item, 'license')],
    [t('doi'), doi && <a href={`https://doi.org/${doi}`}>{doi}</a>],
    [t('created'), <Ago key="created" time={Date.parse(textOf(item, 'created'))} />],
    [t('updated'), <Ago key="updated" time={Date.parse(textOf(item, 'updated'))} />],
    [t('time'), span(item)],
    [t('providers'), providers(item)],
    [t('keywords'), keywords.map((each) => <Badge key={each}>{each}</Badge>)],
  ]
  const told = facts.filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))
  return (
    <Card title={t('facts')}>
      <dl className={styles.facts}>
        {told.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
    </Card>
  )
}

function span(item: StacItem): string {
  const [start, end] = [textOf(item, 'start_datetime').slice(0, 10), textOf(item, 'end_datetime').slice(0, 10)]
  if (!start || start === end) return textOf(item, 'datetime').slice(0, 10)
  return `${start} – ${end}`
}

function providers(item: StacItem): string {
  const all = (item.properties['providers'] as { name: string }[] | undefined) ?? []
  return all.map(({ name }) => name).join(', ')
}

const RELATED = new Set([
  'related',
  'derived_from',
  'cite-as',
  'license',
  'mlflow:model',
  'mlflow:tracking',
  'canonical',
  'via',
])
const ITEM = /\/api\/(?:v1\/)?stac\/collections\/([^/]+)\/items\/([^/?]+)/

/** Where else the item leads: items of the catalog, models, licences and other sites. */
function Related({ item }: { item: StacItem }): ReactElement | null {
  const { t } = useTranslation('catalog')
  const links = item.links.filter(({ rel, href }) => RELATED.has(rel) && /^https?:/.test(href))
  if (links.length === 0) return null
  return (
    <Card title={t('related')}>
      <ul className={styles.links}>
        {links.map((link) => (
          <li key={`${link.rel} ${link.href}`}>
            <span className={styles.dim}>{link.rel} </span>
            <Target link={link} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Target({ link: { href, title } }: { link: StacLink }): ReactElement {
  const found = new URL(href).origin === window.location.origin ? ITEM.exec(href) : null
  if (!found) return <a href={href}>{title ?? href}</a>
  const [, collection, itemId] = found.map((each) => decodeURIComponent(each))
  return (
    <Link to="/catalog/$collection/$itemId" params={{ collection: collection!, itemId: itemId! }}>
      {title ?? itemId}
    </Link>
  )
}
