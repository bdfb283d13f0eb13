import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { place } from '@/api/place'
import { CodeBlock } from '@/components/CodeBlock'
import { Card } from '@/components/Page'
import styles from './home.module.css'

const ADDRESS = window.location.origin + place.prefix

const PYTHON = `import mlflow

mlflow.set_tracking_uri("${ADDRESS}")
mlflow.set_experiment("first-steps")

with mlflow.start_run():
    mlflow.log_param("rate", 0.1)
    for step in range(100):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
`

/** How to log here, with this server's own address. */
export function Quickstart({ isFirst = false }: { isFirst?: boolean }): ReactElement {
  const { t } = useTranslation('home')
  return (
    <Card title={t('quickstart.title')}>
      <div className={styles.steps}>
        <p>{t('quickstart.text')}</p>
        <CodeBlock title={t('quickstart.python')} code={PYTHON} />
        <CodeBlock title={t('quickstart.shell')} code={`export MLFLOW_TRACKING_URI=${ADDRESS}`} />
        {isFirst && (
          <p role="status" className={styles.waiting}>
            {t('quickstart.waiting')}
          </p>
        )}
      </div>
    </Card>
  )
}
