import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Badge } from '@/components/Badge'
import { Button, IconButton } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextArea } from '@/components/Field'
import { formatBytes, formatNumber } from '@/components/format'
import { Card, Heads, numberClass, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useToast } from '@/components/Toast'
import { useModel, useRefresh, useRequests } from './data'
import { SetAlias } from './forms'
import { Alias, Tags } from './Marks'
import { columnsOf, type Details } from './models'
import styles from './models.module.css'
import { Requests } from './Requests'

/** What a version is, what was measured of it, and where it came from. */
export function Overview({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  const open = useRequests(version.name, version.version)?.filter(({ state }) => state === 'open') ?? []
  return (
    <div className={styles.columns}>
      <div className={styles.stack}>
        {open.length > 0 && <Requests requests={open} />}
        <Description version={version} />
        <Signature version={version} />
        <Values title={t('metrics')} values={version.metrics ?? {}} />
        <Values title={t('params')} values={version.params ?? {}} />
      </div>
      <About version={version} />
    </div>
  )
}

function About({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  const file = version.model_file
  return (
    <Card title={t('about')}>
      <dl className={styles.about}>
        <Fact name={t('aliases')}>
          <Aliases version={version} />
        </Fact>
        <Fact name={t('tags.title')}>
          <VersionTags version={version} />
        </Fact>
        <Fact name={t('created')}>
          <Ago time={version.created_at} />
        </Fact>
        <Fact name={t('updatedAt')}>
          <Ago time={version.updated_at} />
        </Fact>
        <Fact name={t('by')}>{version.user_id}</Fact>
        <Fact name={t('run')}>
          <Run runId={version.run_id} />
        </Fact>
        <Datasets runId={version.run_id} />
        <Fact name={t('source')}>
          <code className={styles.wrap}>{version.source}</code>
        </Fact>
        {Object.keys(file?.flavors ?? {}).length > 0 && (
          <Fact name={t('flavours')}>
            <span className={styles.chips}>
              {Object.keys(file?.flavors ?? {}).map((each) => (
                <Badge key={each}>{each}</Badge>
              ))}
            </span>
          </Fact>
        )}
        {file?.model_size_bytes != null && <Fact name={t('size')}>{formatBytes(file.model_size_bytes)}</Fact>}
        {file?.mlflow_version && <Fact name="MLflow">{file.mlflow_version}</Fact>}
      </dl>
    </Card>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function useRun(runId: string | null | undefined) {
  return useQuery({
    queryKey: ['run', runId],
    enabled: useMay('tracking:read') && Boolean(runId),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/runs/{run_id}', { params: { path: { run_id: runId ?? '' } }, signal })),
    retry: false,
  }).data
}

/** The run by its name; by its id alone where it is not here, or not for whoever looks. */
function Run({ runId }: { runId: string | null | undefined }): ReactElement {
  const run = useRun(runId)
  if (!runId) return <span>–</span>
  if (!run) return <code>{runId}</code>
  return (
    <Link to="/runs/$runId" params={{ runId }}>
      {run.name || runId}
    </Link>
  )
}

function Datasets({ runId }: { runId: string | null | undefined }): ReactElement | null {
  const { t } = useTranslation('models')
  const datasets = useRun(runId)?.datasets?.map(({ dataset }) => dataset) ?? []
  if (datasets.length === 0) return null
  return (
    <Fact name={t('datasets')}>
      <span className={styles.chips}>
        {datasets.map(({ name, digest }) => (
          <Link key={`${name}@${digest}`} to="/lineage" search={{ of: `dataset:${name}@${digest}` }}>
            {name}
          </Link>
        ))}
      </span>
    </Fact>
  )
}

function Aliases({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  const mayWrite = useMay('registry:write')
  const known = useModel(version.name).data?.aliases ?? {}
  const refresh = useRefresh()
  const toast = useToast()
  const [isSetting, setSetting] = useState(false)
  async function remove(alias: string): Promise<void> {
    const params = { path: { name: version.name, alias } }
    try {
      await unwrap(api.DELETE('/api/v1/models/{name}/aliases/{alias}', { params }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return toast(error.message, { kind: 'bad' })
    }
    await refresh()
    toast(t('alias.deleted', { alias }), { action: { label: t('undo'), run: () => void put(alias) } })
  }
  async function put(alias: string): Promise<void> {
    const params = { path: { name: version.name, alias } }
    await unwrap(api.PUT('/api/v1/models/{name}/aliases/{alias}', { params, body: { version: version.version } }))
    await refresh()
  }
  if (!mayWrite && !version.aliases?.length) return <span className={styles.dim}>–</span>
  return (
    <div className={styles.chips}>
      {version.aliases?.map((alias) => (
        <span key={alias} className={styles.chip}>
          <Alias name={alias} />
          {mayWrite && (
            <IconButton icon="close" small label={t('alias.delete', { alias })} onClick={() => void remove(alias)} />
          )}
        </span>
      ))}
      {mayWrite && (
        <Button small kind="quiet" icon="plus" onClick={() => setSetting(true)}>
          {t('alias.submit')}
        </Button>
      )}
      {isSetting && (
        <SetAlias
          open
          onClose={() => setSetting(false)}
          name={version.name}
          version={version.version}
          aliases={known}
        />
      )}
    </div>
  )
}

function VersionTags({ version }: { version: Details }): ReactElement {
  const mayWrite = useMay('registry:write')
  const refresh = useRefresh()
  if (!mayWrite) return <Tags tags={version.tags ?? {}} />
  const at = { name: version.name, version: version.version }
  async function set(key: string, value: string): Promise<void> {
    const params = { path: { ...at, key } }
    await unwrap(api.PUT('/api/v1/models/{name}/versions/{version}/tags/{key}', { params, body: { value } }))
    await refresh()
  }
  async function remove(key: string): Promise<void> {
    await unwrap(
      api.DELETE('/api/v1/models/{name}/versions/{version}/tags/{key}', { params: { path: { ...at, key } } }),
    )
    await refresh()
  }
  return <Tags tags={version.tags ?? {}} set={set} remove={remove} />
}

function Description({ version }: { version: Details }): ReactElement | null {
  const { t } = useTranslation('models')
  const mayWrite = useMay('registry:write')
  const refresh = useRefresh()
  const [isEditing, setEditing] = useState(false)
  const text = version.description?.trim()
  if (!text && !mayWrite) return null
  async function send(form: FormData): Promise<void> {
    const params = { path: { name: version.name, version: version.version } }
    const body = { description: String(form.get('description')), archive_existing: false }
    await unwrap(api.PATCH('/api/v1/models/{name}/versions/{version}', { params, body }))
    await refresh()
  }
  return (
    <Card
      title={
        <span className={styles.titleLine}>
          {t('description')}
          {mayWrite && <IconButton icon="edit" small label={t('editDescription')} onClick={() => setEditing(true)} />}
        </span>
      }
    >
      <p className={text ? styles.text : styles.dim}>{text || t('noDescription')}</p>
      {isEditing && (
        <FormDialog
          open
          onClose={() => setEditing(false)}
          title={t('editDescription')}
          submit={t('save', { ns: 'common' })}
          send={send}
        >
          <TextArea label={t('description')} name="description" defaultValue={text} maxLength={100_000} rows={8} />
        </FormDialog>
      )}
    </Card>
  )
}

function Signature({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  const sides = (['inputs', 'outputs', 'params'] as const)
    .map((side) => [side, columnsOf(version.model_file, side)] as const)
    .filter(([, columns]) => columns.length > 0)
  return (
    <Card title={t('signature.title')}>
      {sides.length === 0 && <p className={styles.dim}>{t('signature.none')}</p>}
      <div className={styles.stack}>
        {sides.map(([side, columns]) => (
          <Table key={side} label={t(`signature.${side}`)}>
            <Heads names={[t(`signature.${side}`), t('signature.type'), t('signature.required')]} />
            <tbody>
              {columns.map((each, place) => (
                <tr key={place}>
                  <td className={styles.wrap}>{each.name}</td>
                  <td>
                    <code>
                      {each.type}
                      {each.shape && ` ${each.shape}`}
                    </code>
                  </td>
                  <td>{t(each.isRequired ? 'yes' : 'no', { ns: 'common' })}</td>
                </tr>
              ))}
            </tbody>
          </Table>
        ))}
      </div>
    </Card>
  )
}

function Values({ title, values }: { title: string; values: Record<string, string | number> }): ReactElement | null {
  const { t } = useTranslation('models')
  const rows = Object.entries(values).sort(([a], [b]) => a.localeCompare(b))
  if (rows.length === 0) return null
  return (
    <Card title={title}>
      <Table label={title}>
        <thead>
          <tr>
            <th scope="col">{t('key')}</th>
            <th scope="col" className={numberClass}>
              {t('value')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, value]) => (
            <tr key={key}>
              <td className={styles.wrap}>{key}</td>
              <td className={`${numberClass} ${styles.wrap}`}>
                {typeof value === 'number' ? formatNumber(value) : value}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  )
}
