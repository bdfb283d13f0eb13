import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { projectAddress } from '@/api/place'
import { Empty } from '@/components/Notice'
import { Card, Page } from '@/components/Page'
import styles from './home.module.css'

const MOST = 50

/** What is shown to somebody without a role in the project of the address: where they may go instead. */
export function NoProject(): ReactElement {
  const { t } = useTranslation('home')
  const { data } = useQuery({
    queryKey: ['projects', 'mine'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/projects', { params: { query: { max_results: MOST } }, signal })),
  })
  return (
    <Page title={t('title')}>
      <Empty icon="lock" title={t('noProject.title')}>
        <p>{t('noProject.text')}</p>
      </Empty>
      {data && (
        <Card title={t('noProject.yours')}>
          {data.items.length === 0 && <p>{t('noProject.none')}</p>}
          <ul className={styles.list}>
            {data.items.map(({ path, description }) => (
              <li key={path}>
                <a href={projectAddress(path)}>{path}</a>
                <span className={styles.when}>{description}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Page>
  )
}
