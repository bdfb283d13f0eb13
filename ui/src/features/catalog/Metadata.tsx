import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { CodeBlock } from '@/components/CodeBlock'
import { Notice } from '@/components/Notice'
import { Card } from '@/components/Page'
import styles from './catalog.module.css'
import type { StacItem } from './stac'

/** What is wrong with the metadata and how to mend it, and the item as machines read it. */
export function Metadata({ item, warnings }: { item: StacItem; warnings: Schemas['MetadataWarning'][] }): ReactElement {
  const { t } = useTranslation('catalog')
  return (
    <>
      {warnings.length > 0 ? (
        <Card title={t('toMend')}>
          <ul className={styles.warnings}>
            {warnings.map(({ code, field, message }) => (
              <li key={`${code} ${field}`}>
                <code>{field}</code>: {message}
              </li>
            ))}
          </ul>
        </Card>
      ) : (
        <Notice kind="good">{t('wellDescribed')}</Notice>
      )}
      <CodeBlock title={t('asStac')} code={JSON.stringify(withoutSignatures(item), null, 2)} />
    </>
  )
}

/** Signed addresses are for downloads, not to be copied about. */
function withoutSignatures(item: StacItem): StacItem {
  const assets = Object.entries(item.assets).map(([key, asset]) => [key, { ...asset, href: asset.href.split('?')[0]! }])
  return { ...item, assets: Object.fromEntries(assets) as StacItem['assets'] }
}
