import { getRouteApi, Link } from '@tanstack/react-router'
import { createElement, lazy, Suspense, type ComponentType, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/api/me'
import { place } from '@/api/place'
import { Icon } from '@/components/Icon'
import { Empty, Loading, NotThere } from '@/components/Notice'
import { Page } from '@/components/Page'
import styles from './admin.module.css'
import { SECTIONS, type SectionName } from './sections'

const route = getRouteApi('/admin/{-$section}')

const PARTS: Record<SectionName, ComponentType> = {
  members: lazy(() => import('./Members')),
  permissions: lazy(() => import('./Permissions')),
  configuration: lazy(() => import('./Configuration')),
  secrets: lazy(() => import('./Secrets')),
  webhooks: lazy(() => import('./Webhooks')),
  audit: lazy(() => import('./Audit')),
  quotas: lazy(() => import('./Quotas')),
  users: lazy(() => import('./Users')),
  groups: lazy(() => import('./Groups')),
  health: lazy(() => import('./Health')),
}

/** Who may do what, what was done, and how the installation does. */
export function AdminPage(): ReactElement {
  const { t } = useTranslation('admin')
  const me = useMe()
  const { section } = route.useParams()
  if (!me) return <Loading />
  const allowed = SECTIONS.filter(({ needs }) => me.permissions.includes(needs))
  const shown = section ?? allowed[0]?.name
  const found = allowed.find(({ name }) => name === shown)
  return (
    <Page
      title={t('title')}
      tab={found ? t(`sections.${found.name}`) : t('title')}
      crumbs={[place.project ?? t('defaultProject')]}
    >
      <div className={styles.columns}>
        <nav className={styles.sections} aria-label={t('title')}>
          {allowed.map(({ name, icon }) => (
            <Link
              key={name}
              to="/admin/{-$section}"
              params={{ section: name }}
              className={styles.section}
              aria-current={name === shown ? 'page' : undefined}
            >
              <Icon name={icon} />
              {t(`sections.${name}`)}
            </Link>
          ))}
        </nav>
        <section className={styles.part} aria-label={found && t(`sections.${found.name}`)}>
          {allowed.length === 0 && (
            <Empty icon="lock" title={t('nothing.title')}>
              <p>{t('nothing.text')}</p>
            </Empty>
          )}
          {allowed.length > 0 && !found && <NotThere />}
          {found && <Suspense fallback={<Loading />}>{createElement(PARTS[found.name])}</Suspense>}
        </section>
      </div>
    </Page>
  )
}
