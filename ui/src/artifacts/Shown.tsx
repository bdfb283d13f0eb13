import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { request } from '@/api/client'
import { buttonClass } from '@/components/Button'
import { CopyButton } from '@/components/CodeBlock'
import { formatBytes } from '@/components/format'
import { Icon } from '@/components/Icon'
import { Failed, Loading } from '@/components/Notice'
import styles from './artifacts.module.css'
import { FolderView } from './FolderView'
import { isWritten, kindOf, nameOf, type Kind } from './kinds'
import { MediaView } from './MediaView'
import {
  fileAddress,
  filePath,
  keyOf,
  listFolder,
  uriOf,
  type Artifact,
  type ArtifactSource,
  type FileProps,
} from './source'
import { Switch } from './Switch'
import { TextView } from './TextView'

const VIEWS: Partial<Record<Kind, React.ComponentType<FileProps>>> = {
  table: lazy(() => import('./TableView').then((module) => ({ default: module.TableView }))),
  json: lazy(() => import('./JsonView').then((module) => ({ default: module.JsonView }))),
  markdown: lazy(() => import('./MarkdownView').then((module) => ({ default: module.MarkdownView }))),
  html: lazy(() => import('./HtmlView').then((module) => ({ default: module.HtmlView }))),
  notebook: lazy(() => import('./NotebookView').then((module) => ({ default: module.NotebookView }))),
  onnx: lazy(() => import('./OnnxView').then((module) => ({ default: module.OnnxView }))),
  model: lazy(() => import('./ModelView').then((module) => ({ default: module.ModelView }))),
  image: MediaView,
  audio: MediaView,
  video: MediaView,
}

type Entry = { kind: 'folder'; items: Artifact[]; isCut: boolean } | { kind: 'file'; size: number }

/** What lies at a path: a file that has nothing in it, or a folder. Throws ApiError. */
async function findEntry(source: ArtifactSource, path: string, signal: AbortSignal): Promise<Entry> {
  const page = await listFolder(source, path, null, signal)
  if (page.items.length > 0 || path === '') {
    return { kind: 'folder', items: page.items, isCut: Boolean(page.next_page_token) }
  }
  const answer = await request(filePath(source, path), { method: 'HEAD', signal })
  return { kind: 'file', size: Number(answer.headers.get('content-length')) }
}

/** What lies at a path, as it is best looked at. */
export function Shown({
  source,
  path,
  onPath,
}: {
  source: ArtifactSource
  path: string
  onPath: (path: string | undefined) => void
}): ReactElement {
  const { data, error, refetch } = useQuery({
    queryKey: ['artifact', keyOf(source), path],
    queryFn: ({ signal }) => findEntry(source, path, signal),
  })
  return (
    <section className={styles.shown} aria-label={path === '' ? uriOf(source, '') : nameOf(path)}>
      <Head source={source} path={path} entry={data} onPath={onPath} />
      {error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.kind === 'folder' && <FolderView source={source} items={data.items} isCut={data.isCut} onPath={onPath} />}
      {data?.kind === 'file' && <FileView key={path} source={source} path={path} size={data.size} />}
    </section>
  )
}

function Head({
  source,
  path,
  entry,
  onPath,
}: {
  source: ArtifactSource
  path: string
  entry: Entry | undefined
  onPath: (path: string | undefined) => void
}): ReactElement {
  const { t } = useTranslation('artifacts')
  const parts = path ? path.split('/') : []
  return (
    <header className={styles.head}>
      <nav className={styles.crumbs} aria-label={t('where')}>
        <button type="button" onClick={() => onPath(undefined)}>
          {t('files')}
        </button>
        {parts.map((part, index) => (
          <span key={index}>
            {' / '}
            {index < parts.length - 1 ? (
              <button type="button" onClick={() => onPath(parts.slice(0, index + 1).join('/'))}>
                {part}
              </button>
            ) : (
              <strong>{part}</strong>
            )}
          </span>
        ))}
      </nav>
      <div className={styles.tools}>
        {entry?.kind === 'file' && <span className={styles.dim}>{formatBytes(entry.size)}</span>}
        <CopyButton text={uriOf(source, path)} label={t('copyUri')} />
        {entry?.kind === 'file' && (
          <a className={buttonClass({ small: true })} href={fileAddress(source, path)} download={nameOf(path)}>
            <Icon name="download" />
            {t('download')}
          </a>
        )}
      </div>
    </header>
  )
}

function FileView(props: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  const [asWritten, setAsWritten] = useState(false)
  const View = VIEWS[kindOf(props.path)]
  if (!View) return <TextView {...props} />
  return (
    <>
      {isWritten(props.path) && (
        <Switch
          label={t('shownAs')}
          value={asWritten ? 'source' : 'preview'}
          choices={[
            ['preview', t('preview')],
            ['source', t('source')],
          ]}
          onChange={(next) => setAsWritten(next === 'source')}
        />
      )}
      <Suspense fallback={<Loading />}>{asWritten ? <TextView {...props} /> : <View {...props} />}</Suspense>
    </>
  )
}
