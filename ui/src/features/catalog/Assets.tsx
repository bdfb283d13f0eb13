import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/Button'
import { CopyButton } from '@/components/CodeBlock'
import { formatBytes } from '@/components/format'
import { Icon } from '@/components/Icon'
import { Empty } from '@/components/Notice'
import { numberClass, Table } from '@/components/Page'
import type { StacItem } from './stac'

/** The files of an item. Their addresses are signed for who looks, and soon no longer good. */
export function Assets({ item }: { item: StacItem }): ReactElement {
  const { t } = useTranslation('catalog')
  const assets = Object.entries(item.assets)
  if (assets.length === 0) {
    return (
      <Empty icon="file" title={t('noFiles.title')}>
        <p>{t('noFiles.text')}</p>
      </Empty>
    )
  }
  return (
    <Table label={t('tabs.files')}>
      <thead>
        <tr>
          <th scope="col">{t('file')}</th>
          <th scope="col">{t('type')}</th>
          <th scope="col">{t('roles')}</th>
          <th scope="col" className={numberClass}>
            {t('size')}
          </th>
          <th scope="col">{t('checksum')}</th>
          <th scope="col">
            <span className="visually-hidden">{t('download')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {assets.map(([key, asset]) => (
          <tr key={key}>
            <td>{asset.title ?? key}</td>
            <td>{asset.type}</td>
            <td>{asset.roles?.join(', ')}</td>
            <td className={numberClass}>{asset['file:size'] === undefined ? '–' : formatBytes(asset['file:size'])}</td>
            <td>
              {asset['file:checksum'] && (
                <>
                  <code>{asset['file:checksum'].slice(4, 16)}…</code>
                  <CopyButton text={asset['file:checksum']} label={t('copyChecksum', { name: key })} />
                </>
              )}
            </td>
            <td>
              <a className={buttonClass({ small: true })} href={asset.href} aria-label={t('downloadOf', { name: key })}>
                <Icon name="download" />
                {t('download')}
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
