import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { RunStatus } from '@/components/Badge'
import { Table } from '@/components/Page'
import { Ago, Took } from '@/components/Time'
import styles from './home.module.css'

/** Some runs, a line each. */
export function RunList({
  label,
  runs,
  names,
}: {
  label: string
  runs: Schemas['Run'][]
  names: Map<string, string>
}): ReactElement {
  const { t } = useTranslation('home')
  return (
    <Table label={label}>
      <thead>
        <tr>
          <th scope="col">{t('run')}</th>
          <th scope="col">{t('experiment')}</th>
          <th scope="col">{t('status')}</th>
          <th scope="col">{t('started')}</th>
          <th scope="col">{t('took')}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.run_id}>
            <td className={styles.name}>
              <Link to="/runs/$runId" params={{ runId: run.run_id }}>
                {run.name || run.run_id}
              </Link>
            </td>
            <td className={styles.name}>
              <Link to="/experiments/$experimentId" params={{ experimentId: run.experiment_id }}>
                {names.get(run.experiment_id) ?? run.experiment_id}
              </Link>
            </td>
            <td>
              <RunStatus status={run.status} />
            </td>
            <td className={styles.when}>
              <Ago time={run.started_at} />
            </td>
            <td className={styles.when}>
              <Took from={run.started_at} to={run.status === 'RUNNING' ? null : run.ended_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
