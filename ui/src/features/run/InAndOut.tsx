import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { ArtifactBrowser } from '@/artifacts/ArtifactBrowser'
import { Badge } from '@/components/Badge'
import { Button } from '@/components/Button'
import { CopyButton } from '@/components/CodeBlock'
import { Dialog } from '@/components/Dialog'
import { Card } from '@/components/Page'
import { Register } from './Register'
import styles from './run.module.css'
import type { Run } from './run'

const CONTEXT = 'mlflow.data.context'

/** The datasets and models that a run has read. */
export function Inputs({ run }: { run: Run }): ReactElement | null {
  const { t } = useTranslation('run')
  const datasets = run.datasets ?? []
  const models = run.model_inputs ?? []
  if (datasets.length + models.length === 0) return null
  return (
    <Card title={t('inputs')}>
      <ul className={styles.things}>
        {datasets.map(({ dataset, tags }) => (
          <li key={`${dataset.name} ${dataset.digest}`}>
            <div className={styles.row}>
              <strong>{dataset.name}</strong>
              {tags?.[CONTEXT] && <Badge>{tags[CONTEXT]}</Badge>}
            </div>
            <div className={styles.dim}>
              {dataset.source_type} · <code>{dataset.digest}</code>
              <CopyButton text={dataset.source} label={t('copySource', { name: dataset.name })} />
            </div>
          </li>
        ))}
        {models.map((id) => (
          <li key={id}>
            <Badge icon="models">{t('model')}</Badge> <code>{id}</code>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** The models that a run has logged. */
export function Outputs({ run }: { run: Run }): ReactElement | null {
  const { t } = useTranslation('run')
  const mayRegister = useMay('registry:write')
  const [looked, setLooked] = useState<string | null>(null)
  const [path, setPath] = useState<string | undefined>(undefined)
  const [registered, setRegistered] = useState<{ id: string; name: string } | null>(null)
  const ids = [...new Set((run.model_outputs ?? []).map((output) => output.model_id))].slice(0, 20)
  const models = useQueries({
    queries: ids.map((id) => ({
      queryKey: ['logged model', id],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        unwrap(api.GET('/api/v1/logged-models/{model_id}', { params: { path: { model_id: id } }, signal })),
    })),
  }).flatMap((query) => query.data ?? [])
  if (ids.length === 0) return null
  return (
    <Card title={t('outputs')}>
      <ul className={styles.things}>
        {models.map((model) => (
          <li key={model.model_id}>
            <div className={styles.row}>
              <strong>{model.name}</strong>
              {model.model_type && <Badge>{model.model_type}</Badge>}
            </div>
            <div className={styles.row}>
              <code className={styles.dim}>{model.model_id}</code>
              <CopyButton text={model.model_id} label={t('copyOf', { name: model.name })} />
            </div>
            <div className={styles.row}>
              <Button small icon="folder" onClick={() => setLooked(model.model_id)}>
                {t('files')}
              </Button>
              {mayRegister && (
                <Button small icon="models" onClick={() => setRegistered({ id: model.model_id, name: model.name })}>
                  {t('register')}
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      <Link to="/runs/$runId" params={{ runId: run.run_id }} search={{ tab: 'lineage' }}>
        {t('tabs.lineage')}
      </Link>
      <Dialog
        open={looked !== null}
        onClose={() => {
          setLooked(null)
          setPath(undefined)
        }}
        title={t('filesOf', { name: models.find((model) => model.model_id === looked)?.name ?? '' })}
        wide
      >
        {looked && <ArtifactBrowser source={{ kind: 'logged-model', modelId: looked }} path={path} onPath={setPath} />}
      </Dialog>
      {registered && <Register run={run} model={registered} onClose={() => setRegistered(null)} />}
    </Card>
  )
}
