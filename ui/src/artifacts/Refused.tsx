import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Failed, Notice } from '@/components/Notice'
import type { FileProps } from './source'
import { TextView } from './TextView'

/** A file that is not what its name says, or too large to be shown so: why, and its text. */
export function Refused({ error, retry, ...file }: FileProps & { error: Error; retry: () => void }): ReactElement {
  const { t } = useTranslation('artifacts')
  const isRefusal = error instanceof ApiError && (error.status === 400 || error.status === 413)
  if (!isRefusal) return <Failed error={error} retry={retry} />
  return (
    <>
      <Notice kind="warn">
        {error.message} {t('asText')}
      </Notice>
      <TextView {...file} />
    </>
  )
}
