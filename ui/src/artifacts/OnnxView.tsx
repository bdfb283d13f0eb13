import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { formatCount } from '@/components/format'
import { Loading } from '@/components/Notice'
import { Heads, numberClass, Table } from '@/components/Page'
import styles from './artifacts.module.css'
import { Refused } from './Refused'
import type { FileProps } from './source'
import { usePreview } from './usePreview'

/** What an ONNX file says of its graph. */
export function OnnxView(file: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  const { data, error, refetch } = usePreview(file.source, file.path)
  if (error) return <Refused {...file} error={error} retry={() => void refetch()} />
  const onnx = data?.onnx
  if (!onnx) return <Loading />
  const facts: [string, string][] = [
    [t('onnx.graph'), onnx.graph ?? ''],
    [t('onnx.producer'), onnx.producer ?? ''],
    [t('onnx.version'), String(onnx.ir_version)],
    [
      t('onnx.opsets'),
      Object.entries(onnx.opsets ?? {})
        .map(([domain, version]) => `${domain} ${version}`)
        .join(', '),
    ],
    [t('onnx.parameters'), formatCount(onnx.parameters ?? 0)],
    [t('onnx.nodes'), formatCount(onnx.nodes ?? 0)],
  ]
  return (
    <div className={styles.sections}>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value || '–'}</dd>
          </div>
        ))}
      </dl>
      <Values title={t('inputs')} values={onnx.inputs ?? []} />
      <Values title={t('outputs')} values={onnx.outputs ?? []} />
      <section>
        <h3>{t('onnx.operators')}</h3>
        <Table label={t('onnx.operators')}>
          <thead>
            <tr>
              <th scope="col">{t('onnx.operator')}</th>
              <th scope="col" className={numberClass}>
                {t('onnx.count')}
              </th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(onnx.operators ?? {}).map(([name, count]) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td className={numberClass}>{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      </section>
    </div>
  )
}

function Values({ title, values }: { title: string; values: Schemas['OnnxValue'][] }): ReactElement {
  const { t } = useTranslation('artifacts')
  return (
    <section>
      <h3>{title}</h3>
      <Table label={title}>
        <Heads names={[t('name'), t('type'), t('shape')]} />
        <tbody>
          {values.map((value, index) => (
            <tr key={index}>
              <td>
                <code>{value.name}</code>
              </td>
              <td>{value.type}</td>
              <td>{value.shape ? `[${value.shape.join(', ')}]` : '–'}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
