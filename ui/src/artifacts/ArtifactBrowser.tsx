import { useEffect, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/api/me'
import { IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Empty, Failed, Loading } from '@/components/Notice'
import styles from './artifacts.module.css'
import { Shown } from './Shown'
import type { ArtifactSource } from './source'
import { Tree } from './Tree'
import { useFolders } from './useFolders'

const EVERY_MS = 2000

export type { ArtifactSource } from './source'

/** The files of something as a tree, and a preview of the one that is chosen (`path`). */
export function ArtifactBrowser(props: {
  source: ArtifactSource
  path: string | undefined
  onPath: (path: string | undefined) => void
}): ReactElement {
  const { t } = useTranslation('artifacts')
  const me = useMe()
  if (!me) return <Loading />
  if (me.permissions.includes('artifacts:read')) return <Browser {...props} />
  return (
    <Empty icon="lock" title={t('mayNot.title')}>
      <p>{t('mayNot.text')}</p>
    </Empty>
  )
}

function Browser({
  source,
  path,
  onPath,
}: {
  source: ArtifactSource
  path: string | undefined
  onPath: (path: string | undefined) => void
}): ReactElement {
  const { t } = useTranslation('artifacts')
  const { folders, load, reload } = useFolders(source)
  const top = folders.get('')
  if (top?.error && top.items.length === 0) return <Failed error={top.error} retry={() => load('')} />
  if (!top || (top.isLoading && top.items.length === 0)) return <Loading />
  if (top.items.length === 0) return <NoFiles source={source} reload={reload} />
  return (
    <div className={styles.browser}>
      <div className={styles.side}>
        <div className={styles.sideHead}>
          <h2>{t('files')}</h2>
          <IconButton icon="restore" label={t('reload')} small onClick={reload} />
        </div>
        <Tree folders={folders} load={load} path={path} onPath={onPath} />
      </div>
      <Shown source={source} path={path ?? ''} onPath={onPath} />
    </div>
  )
}

function NoFiles({ source, reload }: { source: ArtifactSource; reload: () => void }): ReactElement {
  const { t } = useTranslation('artifacts')
  useEffect(() => {
    const timer = setInterval(reload, EVERY_MS)
    return () => clearInterval(timer)
  }, [reload])
  return (
    <Empty icon="folder" title={t('none.title')}>
      <p>{t('none.text')}</p>
      {source.kind === 'run' && (
        <CodeBlock
          code={`import mlflow\n\nwith mlflow.start_run(run_id="${source.runId}"):\n    mlflow.log_artifact("report.html")`}
        />
      )}
    </Empty>
  )
}
