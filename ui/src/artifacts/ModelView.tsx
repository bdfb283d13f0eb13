import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Loading } from '@/components/Notice'
import { Heads, Table } from '@/components/Page'
import styles from './artifacts.module.css'
import type { Json } from './json'
import { JsonTree } from './JsonView'
import { Refused } from './Refused'
import type { FileProps } from './source'
import { readSignature, type SignatureField } from './signature'
import { usePreview } from './usePreview'

/** What an `MLmodel` file says: what goes in and comes out, and how the model can be loaded. */
export function ModelView(file: FileProps): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const { data, error, refetch } = usePreview(file.source, file.path)
  if (error) return <Refused {...file} error={error} retry={() => void refetch()} />
  const model = data?.model
  if (!model) return <Loading />
  const signature = (model.signature ?? {}) as Record<string, unknown>
  return (
    <div className={styles.sections}>
      {(['inputs', 'outputs', 'params'] as const).map((part) => (
        <Fields key={part} title={t(part)} fields={readSignature(signature[part])} />
      ))}
      {!model.signature && <p className={styles.dim}>{t('noSignature')}</p>}
      <section>
        <h3>{t('flavors')}</h3>
        <JsonTree value={model.flavors as Json} />
      </section>
      <dl className={styles.facts}>
        <div>
          <dt>MLflow</dt>
          <dd>{model.mlflow_version ?? '–'}</dd>
        </div>
        <div>
          <dt>{t('created')}</dt>
          <dd>{model.utc_time_created ?? '–'}</dd>
        </div>
      </dl>
    </div>
  )
}

function Fields({ title, fields }: { title: string; fields: SignatureField[] }): ReactElement | null {
  const { t } = useTranslation(['artifacts', 'common'])
  if (fields.length === 0) return null
  return (
    <section>
      <h3>{title}</h3>
      <Table label={title}>
        <Heads names={[t('name'), t('type'), t('required')]} />
        <tbody>
          {fields.map((field, index) => (
            <tr key={index}>
              <td>{field.name ? <code>{field.name}</code> : '–'}</td>
              <td>{field.type}</td>
              <td>{t(field.isRequired ? 'common:yes' : 'common:no')}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
