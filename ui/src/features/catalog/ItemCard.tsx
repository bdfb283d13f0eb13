import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/Badge'
import { formatCount } from '@/components/format'
import { Icon } from '@/components/Icon'
import { Ago } from '@/components/Time'
import styles from './catalog.module.css'
import { previewOf, projectOf, textOf, type StacItem } from './stac'

const TAGS = 4

/** One item that was found. */
export function ItemCard({ item, kind }: { item: StacItem; kind: string }): ReactElement {
  const { t } = useTranslation('catalog')
  const preview = previewOf(item)
  const keywords = Array.isArray(item.properties['keywords']) ? (item.properties['keywords'] as string[]) : []
  const stars = Number(item.properties['sharinghub:stars'] ?? 0)
  const updated = Date.parse(textOf(item, 'updated'))
  return (
    <article className={styles.item}>
      {preview && <img src={preview} alt="" loading="lazy" />}
      <div className={styles.told}>
        <h2>
          <Link to="/catalog/$collection/$itemId" params={{ collection: item.collection, itemId: item.id }}>
            {textOf(item, 'title') || item.id}
          </Link>
        </h2>
        <p className={styles.dim}>{projectOf(item)}</p>
        <p className={styles.description}>{textOf(item, 'description')}</p>
        <p className={styles.marks}>
          <Badge kind="accent">{kind}</Badge>
          {textOf(item, 'license') && <Badge>{textOf(item, 'license')}</Badge>}
          {keywords.slice(0, TAGS).map((each) => (
            <Badge key={each}>{each}</Badge>
          ))}
          {stars > 0 && (
            <span className={styles.stars}>
              <Icon name="star" size={14} />
              <span className="visually-hidden">{t('stars')}</span>
              {formatCount(stars)}
            </span>
          )}
          {Number.isFinite(updated) && (
            <span className={styles.dim}>
              <Ago time={updated} />
            </span>
          )}
        </p>
      </div>
    </article>
  )
}
