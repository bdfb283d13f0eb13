import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/api/me'
import { Lines } from '@/artifacts/Lines'
import { listFolder, type Artifact, type ArtifactSource } from '@/artifacts/source'
import { Button } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { SelectField } from '@/components/Field'
import { formatBytes } from '@/components/format'
import { Empty, Failed, Loading } from '@/components/Notice'
import styles from './run.module.css'
import type { Run } from './run'
import { useTail } from './useTail'

const LOG = /\.(log|out|err|txt)$/i
const SURE = /\.(log|out|err)$/i
const FOLDER = /^(logs?|output|outputs|files)$/i
const EVERY_MS = 3000

/** What a run has written to its logs, as it goes on. */
export function Logs({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation('run')
  const me = useMe()
  const source: ArtifactSource = { kind: 'run', runId: run.run_id }
  const mayRead = me?.permissions.includes('artifacts:read') ?? false
  const { data, error, refetch } = useQuery({
    queryKey: ['run logs', run.run_id],
    queryFn: ({ signal }) => findLogs(source, signal),
    enabled: mayRead,
    refetchInterval: run.status === 'RUNNING' ? EVERY_MS : false,
  })
  if (me && !mayRead) {
    return (
      <Empty icon="lock" title={t('logs.mayNot')}>
        <p>{t('logs.mayNotText')}</p>
      </Empty>
    )
  }
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  if (data.length === 0) {
    return (
      <Empty icon="note" title={t('logs.none')}>
        <p>{t('logs.noneText')}</p>
        <CodeBlock code={`with mlflow.start_run(run_id="${run.run_id}"):\n    mlflow.log_artifact("train.log")`} />
      </Empty>
    )
  }
  return <Log run={run} source={source} logs={data} />
}

/** The logs of a run, those that are surely some first. Throws ApiError. */
async function findLogs(source: ArtifactSource, signal: AbortSignal): Promise<Artifact[]> {
  const { items } = await listFolder(source, '', null, signal)
  const folders = items.filter((item) => item.is_dir && FOLDER.test(item.path))
  const inside = await Promise.all(folders.map(({ path }) => listFolder(source, path, null, signal)))
  const files = [...items, ...inside.flatMap((page) => page.items)].filter((item) => !item.is_dir)
  const logs = files.filter((file) => LOG.test(file.path) && !file.path.endsWith('requirements.txt'))
  return logs.sort((one, other) => Number(SURE.test(other.path)) - Number(SURE.test(one.path)))
}

function Log({ run, source, logs }: { run: Run; source: ArtifactSource; logs: Artifact[] }): ReactElement {
  const { t } = useTranslation('run')
  const { log } = useSearch({ from: '/runs/$runId' })
  const navigate = useNavigate({ from: '/runs/$runId' })
  const chosen = logs.find((each) => each.path === log) ?? logs[0]!
  return (
    <div className={styles.logs}>
      <div className={styles.logChoice}>
        <SelectField
          label={t('logs.log')}
          value={chosen.path}
          choices={logs.map((each) => [each.path, each.path] as const)}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, log: event.target.value }), replace: true })
          }
        />
      </div>
      <Followed key={chosen.path} source={source} path={chosen.path} isRunning={run.status === 'RUNNING'} />
    </div>
  )
}

function Followed({
  source,
  path,
  isRunning,
}: {
  source: ArtifactSource
  path: string
  isRunning: boolean
}): ReactElement {
  const { t } = useTranslation('run')
  const tail = useTail(source, path, isRunning)
  return (
    <>
      {tail.error && <Failed error={tail.error} retry={tail.retry} />}
      <Lines
        label={path}
        lines={tail.lines}
        follows
        tools={
          <>
            {isRunning && (
              <Button small icon={tail.isPaused ? 'play' : 'pause'} aria-pressed={tail.isPaused} onClick={tail.toggle}>
                {t(tail.isPaused ? 'logs.goOn' : 'logs.pause')}
              </Button>
            )}
            {tail.skipped > 0 && (
              <>
                <span className={styles.dim}>{t('logs.skipped', { size: formatBytes(tail.skipped) })}</span>
                <Button small onClick={tail.loadBefore}>
                  {t('logs.before')}
                </Button>
              </>
            )}
          </>
        }
      />
    </>
  )
}
