import { Suspense, useEffect, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import styles from './page.module.css'

/** One page: where it is, what it is called, what can be done, and its content. `full` pages scroll inside. */
export function Page({
  title,
  tab,
  crumbs = [],
  beside,
  actions,
  full = false,
  children,
}: {
  title: string
  /** What the window is called, where the title is not enough. */
  tab?: string
  crumbs?: ReactNode[]
  /** What stands beside the title: a status, a badge. */
  beside?: ReactNode
  actions?: ReactNode
  full?: boolean
  children: ReactNode
}): ReactElement {
  const { t } = useTranslation()
  const name = tab ?? title
  useEffect(() => {
    document.title = name === t('app') ? name : `${name} · ${t('app')}`
  }, [name, t])
  return (
    <div className={`${styles.page} ${full ? styles.full : ''}`}>
      <header className={styles.head}>
        <div className={styles.titles}>
          {crumbs.length > 0 && (
            <ol className={styles.crumbs}>
              {crumbs.map((crumb, index) => (
                <li key={index}>{crumb}</li>
              ))}
            </ol>
          )}
          <div className={styles.title}>
            <h1>{title}</h1>
            {beside}
          </div>
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {/* A part that waits for its words keeps nothing else waiting: the title stays. */}
      <Suspense>{children}</Suspense>
    </div>
  )
}

export function Card({ title, children }: { title?: ReactNode; children: ReactNode }): ReactElement {
  return (
    <section className={styles.card}>
      {title && <h2>{title}</h2>}
      {children}
    </section>
  )
}

/** Links that lead to the parts of a page; the one that is open has `aria-current`. */
export function TabBar({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <nav className={styles.tabs} aria-label={label} data-scrolls>
      {children}
    </nav>
  )
}

/** A table of some rows; for many there is `DataGrid`. */
export function Table({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <div className={styles.scroll} data-scrolls>
      <table className={styles.table} aria-label={label}>
        {children}
      </table>
    </div>
  )
}

/** The heads of a table's columns; an empty one is that of the column in which something is done with each row. */
export function Heads({ names }: { names: ReactNode[] }): ReactElement {
  return (
    <thead>
      <tr>
        {names.map((name, place) =>
          name === '' ? (
            <ActionsHead key={place} />
          ) : (
            <th key={place} scope="col">
              {name}
            </th>
          ),
        )}
      </tr>
    </thead>
  )
}

/** The head of the column in which something is done with each row: it has a name for those who do not see it. */
export function ActionsHead(): ReactElement {
  const { t } = useTranslation()
  return (
    <th scope="col">
      <span className="visually-hidden">{t('actions')}</span>
    </th>
  )
}

export const tabClass = styles.tab!
export const numberClass = styles.number!
