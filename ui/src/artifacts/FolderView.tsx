import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { formatBytes, formatCount } from '@/components/format'
import { Icon } from '@/components/Icon'
import { Notice } from '@/components/Notice'
import styles from './artifacts.module.css'
import { kindOf, nameOf } from './kinds'
import { fileAddress, type Artifact, type ArtifactSource } from './source'

const PICTURES = 2
const MOST_LISTED = 200

/** A folder: its pictures beside each other where it has some, and what lies in it. */
export function FolderView({
  source,
  items,
  isCut,
  onPath,
}: {
  source: ArtifactSource
  items: Artifact[]
  isCut: boolean
  onPath: (path: string) => void
}): ReactElement {
  const { t } = useTranslation('artifacts')
  const pictures = items.filter((item) => !item.is_dir && kindOf(item.path) === 'image')
  const others = pictures.length < PICTURES ? items : items.filter((item) => !pictures.includes(item))
  return (
    <>
      {pictures.length >= PICTURES && (
        <ul className={styles.gallery} aria-label={t('pictures')}>
          {pictures.slice(0, MOST_LISTED).map((item) => (
            <li key={item.path}>
              <button type="button" onClick={() => onPath(item.path)}>
                <img src={fileAddress(source, item.path)} alt="" loading="lazy" decoding="async" />
                <span>{nameOf(item.path)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul className={styles.listing} aria-label={t('content')}>
          {others.slice(0, MOST_LISTED).map((item) => (
            <li key={item.path}>
              <button type="button" onClick={() => onPath(item.path)}>
                <Icon name={item.is_dir ? 'folder' : 'file'} />
                <span>{nameOf(item.path)}</span>
                <span className={styles.size}>{item.size === null ? '' : formatBytes(item.size)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {(isCut || Math.max(others.length, pictures.length) > MOST_LISTED) && (
        <Notice>{t('moreInTree', { shown: formatCount(MOST_LISTED) })}</Notice>
      )}
    </>
  )
}
