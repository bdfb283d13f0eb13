import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/me'
import { request } from '@/api/client'
import { filePath, listFolder, type ArtifactSource } from '@/artifacts/source'
import { CodeBlock } from '@/components/CodeBlock'
import { Card } from '@/components/Page'
import styles from './run.module.css'
import type { Run } from './run'

const FILES = ['requirements.txt', 'conda.yaml', 'python_env.yaml']
const LONGEST = 64 * 1024

/** What the code of a run ran with, as the files say that its model, or the run, came with. */
export function Environment({ run }: { run: Run }): ReactElement | null {
  const { t } = useTranslation('run')
  const mayRead = useMay('artifacts:read')
  const model = run.model_outputs?.[0]?.model_id
  const source: ArtifactSource = model ? { kind: 'logged-model', modelId: model } : { kind: 'run', runId: run.run_id }
  const { data } = useQuery({
    queryKey: ['run environment', run.run_id, model ?? null],
    queryFn: async ({ signal }) => {
      const { items } = await listFolder(source, '', null, signal)
      const files = items.filter((item) => FILES.includes(item.path) && (item.size ?? 0) <= LONGEST)
      const texts = files.map(async ({ path }) => {
        const answer = await request(filePath(source, path), { signal })
        return { path, text: await answer.text() }
      })
      return Promise.all(texts)
    },
    enabled: mayRead,
    staleTime: 60_000,
  })
  if (!data?.length) return null
  return (
    <Card title={t('environment')}>
      {data.map(({ path, text }) => (
        <details key={path} className={styles.fold}>
          <summary>{path}</summary>
          <CodeBlock code={text} />
        </details>
      ))}
    </Card>
  )
}
