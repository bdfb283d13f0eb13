import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Card } from '@/components/Page'
import { Ago } from '@/components/Time'
import styles from './home.module.css'

const MOST = 6
const EVERY_MS = 5000

/** The registered models that changed last; nothing where there are none, or one may not see them. */
export function NewestModels(): ReactElement | null {
  const { t } = useTranslation('home')
  const { data } = useQuery({
    queryKey: ['models', 'newest', MOST],
    enabled: useMay('registry:read'),
    queryFn: ({ signal }) => {
      const query = { max_results: MOST, order_by: ['last_updated_timestamp DESC'] }
      return unwrap(api.GET('/api/v1/models', { params: { query }, signal }))
    },
    refetchInterval: EVERY_MS,
  })
  if (!data?.items.length) return null
  return (
    <Card title={t('models')}>
      <ul className={styles.list}>
        {data.items.map(({ name, updated_at: updated }) => (
          <li key={name}>
            <Link to="/models/$name" params={{ name }}>
              {name}
            </Link>
            <span className={styles.when}>
              <Ago time={updated} />
            </span>
          </li>
        ))}
      </ul>
      <p className={styles.more}>
        <Link to="/models">{t('allModels')}</Link>
      </p>
    </Card>
  )
}
