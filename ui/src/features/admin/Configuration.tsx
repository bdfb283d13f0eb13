import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError, api, unwrap, type Schemas } from '@/api/client'
import { useMay } from '@/api/me'
import { Badge, type BadgeKind } from '@/components/Badge'
import { Button } from '@/components/Button'
import { Dialog, FormDialog } from '@/components/Dialog'
import { SelectField, TextArea, TextField } from '@/components/Field'
import { Failed, Loading } from '@/components/Notice'
import { Heads, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import styles from './admin.module.css'
import { Head, Listing } from './Listing'
import { ENVIRONMENTS } from './Secrets'
import { field, useAct } from './useAct'

type Header = Schemas['DocumentHeader']
const route = getRouteApi('/admin/{-$section}')
const EACH = 50
const LOOKS: Record<Schemas['ChangeKind'], BadgeKind> = { added: 'good', removed: 'bad', changed: 'warn' }

/** Where a document is: its name at one level. */
interface Place {
  name: string
  environment: Header['environment']
  instance: boolean
}

/** Settings of programs, each version kept: what changed, and the way back. */
export default function Configuration(): ReactElement {
  const { t } = useTranslation('admin')
  const mayWrite = useMay('configuration:write')
  const { open, environment, instance } = route.useSearch()
  const navigate = route.useNavigate()
  const [editing, setEditing] = useState<Place | 'new' | null>(null)
  const close = () => void navigate({ search: {} })
  const shown = open
    ? {
        name: open,
        environment: ENVIRONMENTS.find((each) => each === environment) ?? null,
        instance: instance === 'true',
      }
    : null
  return (
    <>
      <Head text={t('configuration.text')}>
        {mayWrite && (
          <Button icon="plus" kind="primary" onClick={() => setEditing('new')}>
            {t('configuration.add')}
          </Button>
        )}
      </Head>
      <Listing<Header>
        label={t('sections.configuration')}
        queryKey={['admin', 'configuration']}
        ask={(token, signal) =>
          unwrap(api.GET('/api/v1/config', { params: { query: { max_results: EACH, page_token: token } }, signal }))
        }
        heads={[t('name'), t('configuration.level'), t('version'), t('configuration.message'), t('changed'), '']}
        empty={{ icon: 'settings', title: t('configuration.none'), text: t('configuration.text') }}
        row={(document) => (
          <tr key={`${document.name} ${document.environment} ${document.instance}`}>
            <td>{document.name}</td>
            <td>
              <Badge>{level(document, t('configuration.instance'), t('configuration.project'))}</Badge>
            </td>
            <td>{document.version}</td>
            <td>{document.message}</td>
            <td className={styles.dim}>
              {document.created_by} <Ago time={document.created_at} />
            </td>
            <td className={styles.end}>
              <Button
                small
                onClick={() => {
                  const where = {
                    environment: document.environment ?? undefined,
                    instance: document.instance ? ('true' as const) : undefined,
                  }
                  void navigate({ search: { open: document.name, ...where } })
                }}
              >
                {t('configuration.versions')}
              </Button>
              {mayWrite && (
                <Button small onClick={() => setEditing(document)}>
                  {t('configuration.edit')}
                </Button>
              )}
            </td>
          </tr>
        )}
      />
      {editing && <Editor place={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      {shown && <Versions place={shown} mayWrite={mayWrite} onClose={close} />}
    </>
  )
}

function level({ environment, instance }: Place, ofInstance: string, ofProject: string): string {
  return [instance ? ofInstance : ofProject, environment].filter(Boolean).join(' · ')
}

function query({ environment, instance }: Place) {
  return { environment: environment ?? undefined, instance }
}

function Editor({ place, onClose }: { place: Place | null; onClose: () => void }): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('configuration')
  const { data, error } = useQuery({
    queryKey: ['admin', 'configuration', 'document', place],
    enabled: place !== null,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/config/{name}', { params: { path: { name: place!.name }, query: query(place!) }, signal }),
      ),
  })
  if (error) return <Failed error={error} />
  if (place && !data) return <Loading />
  async function send(form: FormData): Promise<void> {
    const name = field(form, 'name')
    const environment = (field(form, 'environment') || null) as Place['environment']
    const where = place ?? { name, environment, instance: false }
    const body = {
      value: parse(field(form, 'value'), t('configuration.notJson')),
      message: field(form, 'message'),
      expected_version: data?.version ?? null,
    }
    await unwrap(api.PUT('/api/v1/config/{name}', { params: { path: { name }, query: query(where) }, body }))
    act(() => Promise.resolve(), t('configuration.written', { name }))
  }
  return (
    <FormDialog
      open
      wide
      onClose={onClose}
      title={place ? t('configuration.edit') : t('configuration.add')}
      submit={t('configuration.save')}
      send={send}
    >
      <div className={styles.form}>
        <TextField name="name" label={t('name')} required defaultValue={place?.name} readOnly={!!place} />
        <SelectField
          name="environment"
          label={t('environment')}
          defaultValue={place?.environment ?? ''}
          disabled={!!place}
          choices={[['', t('all')], ...ENVIRONMENTS.map((each) => [each, each] as const)]}
        />
        <TextArea
          name="value"
          label={t('configuration.value')}
          rows={14}
          required
          spellCheck={false}
          defaultValue={JSON.stringify(data?.value ?? {}, null, 2)}
        />
        <TextField name="message" label={t('configuration.message')} hint={t('configuration.messageHint')} />
      </div>
    </FormDialog>
  )
}

function parse(text: string, wrong: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    throw new ApiError(400, { detail: `${wrong} ${(error as Error).message}`, field: 'value' })
  }
  throw new ApiError(400, { detail: wrong, field: 'value' })
}

function Versions({
  place,
  mayWrite,
  onClose,
}: {
  place: Place
  mayWrite: boolean
  onClose: () => void
}): ReactElement {
  const { t } = useTranslation('admin')
  const act = useAct('configuration')
  const [compared, setCompared] = useState<number | null>(null)
  const path = { name: place.name }
  const back = (version: number) => {
    const body = { version, message: t('configuration.rolledBack', { version }) }
    return unwrap(api.POST('/api/v1/config/{name}/rollback', { params: { path, query: query(place) }, body }))
  }
  return (
    <Dialog open wide onClose={onClose} title={t('configuration.versionsOf', { name: place.name })}>
      <Listing<Schemas['DocumentVersion']>
        label={t('configuration.versions')}
        queryKey={['admin', 'configuration', 'versions', place]}
        ask={(token, signal) => {
          const asked = { ...query(place), max_results: EACH, page_token: token }
          return unwrap(api.GET('/api/v1/config/{name}/versions', { params: { path, query: asked }, signal }))
        }}
        heads={[t('version'), t('configuration.message'), t('changed'), '']}
        empty={{ icon: 'settings', title: t('configuration.none'), text: '' }}
        row={({ version, message, created_by: by, created_at: at, deleted }) => (
          <tr key={version}>
            <td>
              {version} {deleted && <Badge kind="bad">{t('configuration.deleted')}</Badge>}
            </td>
            <td>{message}</td>
            <td className={styles.dim}>
              {by} <Ago time={at} />
            </td>
            <td className={styles.end}>
              <Button small aria-pressed={compared === version} onClick={() => setCompared(version)}>
                {t('configuration.diff')}
              </Button>
              {mayWrite && (
                <Button small onClick={() => act(() => back(version), t('configuration.rolledBack', { version }))}>
                  {t('configuration.rollback')}
                </Button>
              )}
            </td>
          </tr>
        )}
      />
      {compared !== null && <Difference place={place} from={compared} />}
    </Dialog>
  )
}

function Difference({ place, from }: { place: Place; from: number }): ReactElement {
  const { t } = useTranslation('admin')
  const { data, error } = useQuery({
    queryKey: ['admin', 'configuration', 'diff', place, from],
    queryFn: ({ signal }) => {
      const params = { path: { name: place.name }, query: { ...query(place), from_version: from } }
      return unwrap(api.GET('/api/v1/config/{name}/diff', { params, signal }))
    },
  })
  if (error) return <Failed error={error} />
  if (!data) return <Loading />
  if (data.changes.length === 0) return <p>{t('configuration.same')}</p>
  return (
    <Table label={t('configuration.diff')}>
      <Heads
        names={[
          t('configuration.path'),
          t('configuration.change'),
          t('configuration.before', { version: data.from_version }),
          t('configuration.after', { version: data.to_version }),
        ]}
      />
      <tbody>
        {data.changes.map((change) => (
          <tr key={change.path}>
            <td>
              <code>{change.path}</code>
            </td>
            <td>
              <Badge kind={LOOKS[change.kind]}>{t(`configuration.kinds.${change.kind}`)}</Badge>
            </td>
            <td className={styles.break}>{JSON.stringify(change.before)}</td>
            <td className={styles.break}>{JSON.stringify(change.after)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
