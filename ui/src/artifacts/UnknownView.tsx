import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/Button'
import { formatBytes } from '@/components/format'
import { Empty } from '@/components/Notice'
import { nameOf } from './kinds'
import type { FileProps } from './source'
import { fileAddress } from './source'

/** A file that cannot be looked at here. */
export function UnknownView({ source, path, size }: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  return (
    <Empty icon="file" title={nameOf(path)}>
      <p>{t('noPreview', { size: formatBytes(size) })}</p>
      <a className={buttonClass()} href={fileAddress(source, path)} download={nameOf(path)}>
        {t('download')}
      </a>
    </Empty>
  )
}
