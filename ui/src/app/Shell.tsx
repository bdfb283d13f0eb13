import { Link, Outlet, useRouter } from '@tanstack/react-router'
import { Suspense, useEffect, useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/Button'
import { Icon } from '@/components/Icon'
import { Loading } from '@/components/Notice'
import { Bar } from './Bar'
import { Offline } from './Offline'
import styles from './shell.module.css'
import { AREAS } from './areas'

/** What is around every page: the areas on the left, the bar above, the content with its own scrolling. */
export function Shell(): ReactElement {
  const { t } = useTranslation()
  const [isOpen, setOpen] = useState(false)
  const content = useRef<HTMLElement>(null)
  const router = useRouter()
  useEffect(
    () =>
      router.subscribe('onResolved', ({ pathChanged }) => {
        setOpen(false)
        // Another page begins where it begins, for the keyboard and for screen readers.
        if (pathChanged) content.current?.focus({ preventScroll: true })
      }),
    [router],
  )
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        {t('skip')}
      </a>
      <nav id="areas" className={styles.side} aria-label={t('navigation')} data-open={isOpen || undefined}>
        <Link to="/" className={styles.brand}>
          <Spring />
          {t('app')}
        </Link>
        {AREAS.map(({ name, to, icon }) => (
          <Link key={name} to={to} className={styles.area} activeOptions={{ exact: to === '/', includeSearch: false }}>
            <Icon name={icon} />
            {t(`areas.${name}`)}
          </Link>
        ))}
      </nav>
      <header className={styles.bar}>
        <IconButton
          icon="menu"
          label={t('menu')}
          className={styles.menuButton}
          aria-expanded={isOpen}
          aria-controls="areas"
          onClick={() => setOpen(!isOpen)}
        />
        <Bar />
      </header>
      <main id="content" className={styles.main} ref={content} tabIndex={-1}>
        <Offline />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  )
}

function Spring(): ReactElement {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <path
        d="M12 12a1.6 1.6 0 0 1 3.2 0 4 4 0 0 1-8 0 6.2 6.2 0 0 1 12.4 0 8.6 8.6 0 0 1-17.2 0"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.9"
        strokeLinecap="round"
      />
    </svg>
  )
}
