import { useEffect, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Button } from './Button'
import { Icon, type IconName } from './Icon'
import styles from './notice.module.css'

const ICONS = { info: 'info', good: 'check', warn: 'warning', bad: 'warning' } as const satisfies Record<
  string,
  IconName
>

/** Something to know, told where it belongs. What is `bad` is read out at once. */
export function Notice({ kind = 'info', children }: { kind?: keyof typeof ICONS; children: ReactNode }): ReactElement {
  return (
    <div className={`${styles.notice} ${styles[kind] ?? ''}`} role={kind === 'bad' ? 'alert' : 'note'}>
      <Icon name={ICONS[kind]} />
      <div>{children}</div>
    </div>
  )
}

/** What went wrong with what should be here, and what to do about it. */
export function Failed({ error, retry }: { error: Error; retry?: () => void }): ReactElement {
  const { t } = useTranslation()
  const api = error instanceof ApiError ? error : null
  if (api?.status === 404) return <NotThere />
  return (
    <section className={styles.failed} role="alert">
      <h2>{t('failed.title')}</h2>
      <p>{api?.status === 0 ? t('failed.away') : error.message}</p>
      {api?.requestId && (
        <p className={`${styles.dim} ${styles.small}`}>{t('failed.request', { id: api.requestId })}</p>
      )}
      {retry && <Button onClick={retry}>{t('retry')}</Button>}
    </section>
  )
}

export function NotThere(): ReactElement {
  const { t } = useTranslation()
  return (
    <Empty icon="search" title={t('notFound.title')}>
      <p>{t('notFound.text')}</p>
    </Empty>
  )
}

/** A place where nothing is yet: what would be here, and how it comes here. */
export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName
  title: string
  children?: ReactNode
}): ReactElement {
  return (
    <section className={styles.empty}>
      <Icon name={icon} size={36} strokeWidth={1} />
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** What is shown while something loads, if that takes longer than a blink. */
export function Loading(): ReactElement | null {
  const { t } = useTranslation()
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150)
    return () => clearTimeout(timer)
  }, [])
  if (!late) return null
  return (
    <div className={styles.waiting} role="status">
      <span className={styles.spinner} />
      <span className="visually-hidden">{t('loading')}</span>
    </div>
  )
}
