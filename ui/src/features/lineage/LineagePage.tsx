import { getRouteApi, Link } from '@tanstack/react-router'
import { useState, type FormEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useNewestRuns } from '@/api/activity'
import { Button } from '@/components/Button'
import { TextField } from '@/components/Field'
import { Empty } from '@/components/Notice'
import { Page } from '@/components/Page'
import { LineageGraph } from '@/lineage/LineageGraph'
import styles from './lineagePage.module.css'

const route = getRouteApi('/lineage')
const NEWEST = 5

/** The graph around any node, which the address names. */
export function LineagePage(): ReactElement {
  const { t } = useTranslation('lineage')
  const { of } = route.useSearch()
  const navigate = route.useNavigate()
  const [typed, setTyped] = useState(of ?? '')
  function submit(event: FormEvent): void {
    event.preventDefault()
    void navigate({ search: { of: typed.trim() || undefined } })
  }
  return (
    <Page title={t('title')}>
      <form className={styles.asked} onSubmit={submit}>
        <TextField
          label={t('of')}
          hint={t('ofHint')}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button type="submit" kind="primary">
          {t('show')}
        </Button>
      </form>
      {of ? <LineageGraph key={of} of={of} /> : <Begin />}
    </Page>
  )
}

function Begin(): ReactElement {
  const { t } = useTranslation('lineage')
  const { data: runs = [] } = useNewestRuns('', NEWEST)
  return (
    <Empty icon="lineage" title={t('begin.title')}>
      <p>{t('begin.text')}</p>
      {runs.length > 0 && (
        <>
          <h3>{t('begin.newest')}</h3>
          <ul className={styles.newest}>
            {runs.map((run) => (
              <li key={run.run_id}>
                <Link to="/lineage" search={{ of: `run:${run.run_id}` }}>
                  {run.name}
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </Empty>
  )
}
