import { useQuery } from '@tanstack/react-query'
import { type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import styles from './shell.module.css'

const EVERY_MS = 5000

/** Says that the server cannot be reached, for as long as it cannot. */
export function Offline(): ReactElement | null {
  const { t } = useTranslation()
  const { isError } = useQuery({
    queryKey: ['livez'],
    queryFn: async ({ signal }) => {
      const answer = await fetch('/livez', { signal, cache: 'no-store' })
      return answer.text()
    },
    retry: 1,
    refetchInterval: EVERY_MS,
  })
  return (
    <div role="status" className={isError ? styles.offline : undefined}>
      {isError && t('offline')}
    </div>
  )
}
