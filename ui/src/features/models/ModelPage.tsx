import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { noteVisit } from '@/api/recent'
import { Badge } from '@/components/Badge'
import { IconButton } from '@/components/Button'
import { Menu, MenuItem, MenuLine } from '@/components/Menu'
import { Failed, Loading } from '@/components/Notice'
import { Page, TabBar, tabClass } from '@/components/Page'
import { Ago } from '@/components/Time'
import { CardTab } from './CardTab'
import { Compare } from './Compare'
import { useModel, useRefresh, useRequests } from './data'
import { DeleteNamed, RenameModel } from './forms'
import { Tags } from './Marks'
import { comparedOf, type Model } from './models'
import styles from './models.module.css'
import { Requests } from './Requests'
import { MODEL_TABS } from './search'
import { Versions } from './Versions'

export function ModelPage(): ReactElement {
  const { t } = useTranslation('models')
  const { name } = useParams({ from: '/models/$name' })
  const { compare } = useSearch({ from: '/models/$name' })
  const { data: model, error, refetch } = useModel(name)
  const compared = comparedOf(compare)
  const isThere = model !== undefined
  useEffect(() => {
    if (isThere) noteVisit({ kind: 'model', path: `/models/${encodeURIComponent(name)}`, name })
  }, [isThere, name])
  const crumbs = [<Link to="/models">{t('title')}</Link>]
  return (
    <Page title={name} crumbs={crumbs} actions={model && <Actions model={model} />}>
      {error && !model && <Failed error={error} retry={() => void refetch()} />}
      {!error && !model && <Loading />}
      {model && (
        <>
          <div className={styles.tools}>
            <ModelTags model={model} />
            <span className={`${styles.dim} ${styles.small}`}>
              {t('updated')} <Ago time={model.updated_at} />
            </span>
          </div>
          {compared.length > 1 ? <Compare name={name} versions={compared} /> : <Tabs model={model} />}
        </>
      )}
    </Page>
  )
}

function Tabs({ model }: { model: Model }): ReactElement {
  const { t } = useTranslation('models')
  const { tab = 'versions' } = useSearch({ from: '/models/$name' })
  const requests = useRequests(model.name)
  const open = requests?.filter(({ state }) => state === 'open').length ?? 0
  return (
    <>
      <TabBar label={t('tabs.label')}>
        {MODEL_TABS.map((each) => (
          <Link
            key={each}
            from="/models/$name"
            to="."
            search={(now) => ({ ...now, tab: each === 'versions' ? undefined : each, edit: undefined })}
            className={tabClass}
            aria-current={each === tab ? 'page' : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
          >
            {t(`tabs.${each}`)}
            {each === 'requests' && open > 0 && <Badge kind="accent">{open}</Badge>}
          </Link>
        ))}
      </TabBar>
      {tab === 'versions' && <Versions model={model} />}
      {tab === 'card' && <CardTab key={model.name} model={model} />}
      {tab === 'requests' && <Requests requests={requests} />}
    </>
  )
}

function ModelTags({ model }: { model: Model }): ReactElement {
  const mayWrite = useMay('registry:write')
  const refresh = useRefresh()
  if (!mayWrite) return <Tags tags={model.tags ?? {}} isFound />
  async function set(key: string, value: string): Promise<void> {
    const params = { path: { name: model.name, key } }
    await unwrap(api.PUT('/api/v1/models/{name}/tags/{key}', { params, body: { value } }))
    await refresh()
  }
  async function remove(key: string): Promise<void> {
    await unwrap(api.DELETE('/api/v1/models/{name}/tags/{key}', { params: { path: { name: model.name, key } } }))
    await refresh()
  }
  return <Tags tags={model.tags ?? {}} set={set} remove={remove} />
}

function Actions({ model: { name } }: { model: Model }): ReactElement | null {
  const { t } = useTranslation('models')
  const mayWrite = useMay('registry:write')
  const navigate = useNavigate()
  const [doing, setDoing] = useState<'rename' | 'delete' | null>(null)
  const close = () => setDoing(null)
  async function remove(): Promise<void> {
    await unwrap(api.DELETE('/api/v1/models/{name}', { params: { path: { name } } }))
    await navigate({ to: '/models' })
  }
  if (!mayWrite) return null
  return (
    <>
      <Menu trigger={<IconButton icon="more" kind="plain" label={t('actions')} />}>
        <MenuItem icon="edit" onSelect={() => setDoing('rename')}>
          {t('rename.submit')}
        </MenuItem>
        <MenuLine />
        <MenuItem icon="trash" danger onSelect={() => setDoing('delete')}>
          {t('delete.model')}
        </MenuItem>
      </Menu>
      <RenameModel open={doing === 'rename'} onClose={close} name={name} />
      {doing === 'delete' && (
        <DeleteNamed
          open
          onClose={close}
          name={name}
          title={t('delete.model')}
          text={t('delete.modelText')}
          send={remove}
        />
      )}
    </>
  )
}
