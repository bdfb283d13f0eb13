import type { ReactElement, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '@/components/CodeBlock'
import { Card } from '@/components/Page'
import { Ago, Took } from '@/components/Time'
import styles from './run.module.css'
import type { Run } from './run'

/** Who made a run, when, how long it took, and from which code. */
export function About({ run }: { run: Run }): ReactElement {
  const { t } = useTranslation('run')
  const tag = (name: string) => run.tags?.[`mlflow.${name}`]
  const commit = tag('source.git.commit')
  const facts: [string, ReactNode][] = [
    [t('about.user'), run.user_id || tag('user') || '–'],
    [t('about.started'), <Ago key="" time={run.started_at} />],
    [t('about.took'), <Took key="" from={run.started_at} to={endOf(run)} />],
    [t('about.id'), <Copied key="" text={run.run_id} />],
    [t('about.source'), tag('source.name') ?? '–'],
  ]
  if (commit) facts.push([t('about.commit'), <Commit key="" commit={commit} repository={tag('source.git.repoURL')} />])
  if (tag('source.git.branch')) facts.push([t('about.branch'), tag('source.git.branch')])
  facts.push([t('about.files'), <Copied key="" text={run.artifact_uri} />])
  return (
    <Card title={t('about.title')}>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

/** When a run ended; a run that ended without saying when took no known time. */
function endOf(run: Run): number | null {
  return run.ended_at ?? (run.status === 'RUNNING' || run.status === 'SCHEDULED' ? null : (run.started_at ?? null))
}

function Copied({ text }: { text: string }): ReactElement {
  return (
    <span className={styles.copied}>
      <code>{text}</code>
      <CopyButton text={text} />
    </span>
  )
}

function Commit({ commit, repository }: { commit: string; repository: string | undefined }): ReactElement {
  const { t } = useTranslation('run')
  const web = repository?.replace(/\.git$/, '')
  const short = <code>{commit.slice(0, 10)}</code>
  return (
    <span className={styles.copied}>
      {/* Anyone may have written the tag: it leads to the web or nowhere. */}
      {web?.startsWith('https://') ? (
        <a href={`${web}/commit/${encodeURIComponent(commit)}`} rel="noreferrer noopener" target="_blank">
          {short}
        </a>
      ) : (
        short
      )}
      <CopyButton text={commit} label={t('about.copyCommit')} />
    </span>
  )
}
