import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { useMay } from '@/api/me'
import { Button, IconButton } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { SelectField, TextField } from '@/components/Field'
import { Empty, Failed, Loading } from '@/components/Notice'
import { Page, Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useModels } from './data'
import { NewModel } from './forms'
import { Alias, StageBadge, Tags } from './Marks'
import { newestOf, summaryOf, type Model, type Stage } from './models'
import styles from './models.module.css'
import { registerCode } from './snippets'
import { ORDERS } from './search'

export function ModelsPage(): ReactElement {
  const { t } = useTranslation('models')
  const { q = '', order = 'name', view = 'cards' } = useSearch({ from: '/models' })
  const navigate = useNavigate({ from: '/models' })
  const mayWrite = useMay('registry:write')
  const [isCreating, setCreating] = useState(false)
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useModels(q, order)
  const models = data?.pages.flatMap((page) => page.items)
  const wrong = error instanceof ApiError && error.code === 'invalid_argument' ? error.message : null
  const isNew = !q && models?.length === 0
  return (
    <Page
      title={t('title')}
      actions={
        mayWrite && (
          <Button icon="plus" kind="primary" onClick={() => setCreating(true)}>
            {t('create.title')}
          </Button>
        )
      }
    >
      <NewModel open={isCreating} onClose={() => setCreating(false)} />
      {!isNew && (
        <search className={styles.find}>
          <TextField
            label={t('find.label')}
            hint={t('find.hint')}
            type="search"
            spellCheck={false}
            value={q}
            wrong={wrong}
            onChange={({ target }) =>
              void navigate({ search: (now) => ({ ...now, q: target.value || undefined }), replace: true })
            }
          />
          <SelectField
            label={t('find.order')}
            value={order}
            choices={ORDERS.map((each) => [each, t(`find.orders.${each}`)] as const)}
            onChange={({ target }) =>
              void navigate({
                search: (now) => ({ ...now, order: target.value === 'updated' ? 'updated' : undefined }),
              })
            }
          />
          <div className={styles.views} role="group" aria-label={t('find.view')}>
            <IconButton
              icon="catalog"
              label={t('find.cards')}
              aria-pressed={view === 'cards'}
              onClick={() => void navigate({ search: (now) => ({ ...now, view: undefined }) })}
            />
            <IconButton
              icon="table"
              label={t('find.rows')}
              aria-pressed={view === 'rows'}
              onClick={() => void navigate({ search: (now) => ({ ...now, view: 'rows' }) })}
            />
          </div>
        </search>
      )}
      {error && !wrong && <Failed error={error} retry={() => void refetch()} />}
      {!error && !models && <Loading />}
      {isNew && <NoModels mayWrite={mayWrite} />}
      {q && models?.length === 0 && !wrong && (
        <Empty icon="search" title={t('find.none')}>
          <p>{t('find.noneText')}</p>
        </Empty>
      )}
      {models && models.length > 0 && (view === 'cards' ? <Cards models={models} /> : <Rows models={models} />)}
      {hasNextPage && (
        <div className={styles.more}>
          <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
            {t('loadMore', { ns: 'common' })}
          </Button>
        </div>
      )}
    </Page>
  )
}

function NoModels({ mayWrite }: { mayWrite: boolean }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <Empty icon="models" title={t('empty.title')}>
      <p>{t('empty.text')}</p>
      {mayWrite && (
        <div className={styles.code}>
          <CodeBlock title={t('empty.code')} code={registerCode('first-model')} />
        </div>
      )}
      <p className={styles.waiting} role="status">
        {t('empty.waiting')}
      </p>
    </Empty>
  )
}

function Cards({ models }: { models: Model[] }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <ul className={styles.cards} aria-label={t('title')}>
      {models.map((model) => (
        <li key={model.name}>
          <article className={styles.model}>
            <h2>
              <ModelLink name={model.name} />
            </h2>
            <Stands model={model} />
            <p className={styles.summary}>{summaryOf(model.description) || t('noDescription')}</p>
            {hasTags(model) && <Tags tags={model.tags ?? {}} isFound />}
            <div className={styles.foot}>
              <Newest model={model} />
              <span>
                {t('updated')} <Ago time={model.updated_at} />
              </span>
            </div>
          </article>
        </li>
      ))}
    </ul>
  )
}

function Rows({ models }: { models: Model[] }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <Table label={t('title')}>
      <thead>
        <tr>
          <th scope="col">{t('name')}</th>
          <th scope="col">{t('newest')}</th>
          <th scope="col">{t('stands')}</th>
          <th scope="col">{t('tags.title')}</th>
          <th scope="col">{t('updatedAt')}</th>
          <th scope="col">{t('description')}</th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <tr key={model.name}>
            <td className={styles.wrap}>
              <ModelLink name={model.name} />
            </td>
            <td>
              <Newest model={model} />
            </td>
            <td>
              <Stands model={model} />
            </td>
            <td>
              <Tags tags={model.tags ?? {}} isFound />
            </td>
            <td>
              <Ago time={model.updated_at} />
            </td>
            <td className={styles.dim}>
              <span className={styles.summary}>{summaryOf(model.description)}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

function ModelLink({ name }: { name: string }): ReactElement {
  return (
    <Link to="/models/$name" params={{ name }}>
      {name}
    </Link>
  )
}

function hasTags(model: Model): boolean {
  return Object.keys(model.tags ?? {}).some((key) => !key.startsWith('mlflow.'))
}

function Newest({ model }: { model: Model }): ReactElement {
  const { t } = useTranslation('models')
  const newest = newestOf(model)
  if (!newest) return <span className={styles.dim}>{t('noVersions')}</span>
  const params = { name: model.name, version: String(newest.version) }
  return (
    <Link to="/models/$name/versions/$version" params={params}>
      {t('version', { version: newest.version })}
    </Link>
  )
}

/** Where aliases lead to, and which versions are in a stage. */
function Stands({ model }: { model: Model }): ReactElement | null {
  const { t } = useTranslation('models')
  const staged = model.latest_versions?.filter(({ stage }) => stage === 'Production' || stage === 'Staging') ?? []
  const aliases = Object.entries(model.aliases ?? {})
  if (staged.length + aliases.length === 0) return null
  return (
    <ul className={`${styles.chips} ${styles.plain}`} aria-label={t('stands')}>
      {staged.map(({ stage, version }) => (
        <li key={stage} className={styles.chip}>
          <StageBadge stage={stage as Stage} />
          <span className={`${styles.dim} ${styles.small}`}>&nbsp;v{version}</span>
        </li>
      ))}
      {aliases.map(([alias, version]) => (
        <li key={alias} className={styles.chip}>
          <Alias name={alias} />
          <span className={`${styles.dim} ${styles.small}`}>&nbsp;v{version}</span>
        </li>
      ))}
    </ul>
  )
}
