import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { inputClass } from '@/components/Field'
import { About } from './About'
import { Environment } from './Environment'
import { Inputs, Outputs } from './InAndOut'
import { Metrics } from './Metrics'
import { Note } from './Note'
import { Params } from './Params'
import { Related } from './Related'
import styles from './run.module.css'
import type { Run } from './run'
import { Tags } from './Tags'

/** What a run was given and what came of it, what is searched for first. */
export function Overview({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation('run')
  const { q = '' } = useSearch({ from: '/runs/$runId' })
  const navigate = useNavigate({ from: '/runs/$runId' })
  return (
    <div className={styles.overview}>
      <div className={styles.column}>
        <Note run={run} />
        <input
          type="search"
          className={inputClass}
          placeholder={t('find')}
          aria-label={t('find')}
          value={q}
          onChange={(event) =>
            void navigate({
              search: (before) => ({ ...before, q: event.target.value || undefined }),
              replace: true,
            })
          }
        />
        <Metrics run={run} wanted={q.toLowerCase()} />
        <Params run={run} wanted={q.toLowerCase()} />
      </div>
      <div className={styles.column}>
        <About run={run} />
        <Tags run={run} />
        <Inputs run={run} />
        <Outputs run={run} />
        <Environment run={run} />
        <Related run={run} />
      </div>
    </div>
  )
}
