import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Button, IconButton } from '@/components/Button'
import { Menu, MenuItem } from '@/components/Menu'
import { Failed, Loading, NotThere } from '@/components/Notice'
import { Page, TabBar, tabClass } from '@/components/Page'
import { useRefresh, useVersion } from './data'
import { ChangeStage, DeleteNamed } from './forms'
import { Alias, StageBadge } from './Marks'
import type { Details } from './models'
import { Overview } from './Overview'
import { VERSION_TABS } from './search'
import { UseModel } from './UseModel'

const ArtifactBrowser = lazy(() =>
  import('@/artifacts/ArtifactBrowser').then((file) => ({ default: file.ArtifactBrowser })),
)
const LineageGraph = lazy(() => import('@/lineage/LineageGraph').then((file) => ({ default: file.LineageGraph })))

export function VersionPage(): ReactElement {
  const { name, version } = useParams({ from: '/models/$name/versions/$version' })
  return /^[1-9]\d{0,9}$/.test(version) ? <One name={name} number={Number(version)} /> : <NotThere />
}

function One({ name, number }: { name: string; number: number }): ReactElement {
  const { t } = useTranslation('models')
  const { data: version, error, refetch } = useVersion(name, number)
  const title = t('version', { version: number })
  const crumbs = [
    <Link to="/models">{t('title')}</Link>,
    <Link to="/models/$name" params={{ name }}>
      {name}
    </Link>,
  ]
  return (
    <Page
      title={title}
      tab={`${name} ${title}`}
      crumbs={crumbs}
      beside={version && <Beside version={version} />}
      actions={version && <Actions version={version} />}
    >
      {error && !version && <Failed error={error} retry={() => void refetch()} />}
      {!error && !version && <Loading />}
      {version && <Tabs version={version} />}
    </Page>
  )
}

function Beside({ version }: { version: Details }): ReactElement {
  return (
    <>
      <StageBadge stage={version.stage} />
      {version.aliases?.map((alias) => (
        <Alias key={alias} name={alias} />
      ))}
    </>
  )
}

function Tabs({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  const { tab = 'overview', path } = useSearch({ from: '/models/$name/versions/$version' })
  const navigate = useNavigate({ from: '/models/$name/versions/$version' })
  return (
    <>
      <TabBar label={t('tabs.label')}>
        {VERSION_TABS.map((each) => (
          <Link
            key={each}
            from="/models/$name/versions/$version"
            to="."
            search={{ tab: each === 'overview' ? undefined : each }}
            className={tabClass}
            aria-current={each === tab ? 'page' : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
          >
            {t(`tabs.${each}`)}
          </Link>
        ))}
      </TabBar>
      <Suspense fallback={<Loading />}>
        {tab === 'overview' && <Overview version={version} />}
        {tab === 'use' && <UseModel version={version} />}
        {tab === 'lineage' && <LineageGraph of={`model_version:${version.name}/${version.version}`} />}
        {tab === 'files' && (
          <ArtifactBrowser
            source={{ kind: 'version', name: version.name, version: version.version }}
            path={path}
            onPath={(next) => void navigate({ search: { tab: 'files', path: next } })}
          />
        )}
      </Suspense>
    </>
  )
}

function Actions({ version }: { version: Details }): ReactElement | null {
  const { t } = useTranslation('models')
  const mayWrite = useMay('registry:write')
  const mayDecide = useMay('project:manage')
  const navigate = useNavigate()
  const refresh = useRefresh()
  const [doing, setDoing] = useState<'stage' | 'delete' | null>(null)
  const close = () => setDoing(null)
  const { name, version: number, stage } = version
  async function remove(): Promise<void> {
    const params = { path: { name, version: number } }
    await unwrap(api.DELETE('/api/v1/models/{name}/versions/{version}', { params }))
    await navigate({ to: '/models/$name', params: { name } })
    await refresh()
  }
  if (!mayWrite) return null
  return (
    <>
      <Button onClick={() => setDoing('stage')}>{t(mayDecide ? 'stage.setSubmit' : 'stage.askSubmit')}</Button>
      <Menu trigger={<IconButton icon="more" kind="plain" label={t('actions')} />}>
        <MenuItem icon="trash" danger onSelect={() => setDoing('delete')}>
          {t('delete.version')}
        </MenuItem>
      </Menu>
      {doing === 'stage' && (
        <ChangeStage open onClose={close} name={name} version={number} stage={stage} mayDecide={mayDecide} />
      )}
      {doing === 'delete' && (
        <DeleteNamed
          open
          onClose={close}
          name={`${name}/${number}`}
          title={t('delete.version')}
          text={t('delete.versionText')}
          send={remove}
        />
      )}
    </>
  )
}
