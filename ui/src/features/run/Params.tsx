import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { CopyButton } from '@/components/CodeBlock'
import { Card, Table } from '@/components/Page'
import { Counted } from './Metrics'
import styles from './run.module.css'
import type { Run } from './run'

const PAGE = 100
const natural = new Intl.Collator(undefined, { numeric: true }).compare

/** The params of a run. */
export function Params({ run, wanted }: { run: Run; wanted: string }): ReactElement {
  const { t } = useTranslation(['run', 'common'])
  const [shown, setShown] = useState(PAGE)
  const all = Object.entries(run.params ?? {}).sort(([one], [other]) => natural(one, other))
  const found = all.filter(([key, value]) => key.toLowerCase().includes(wanted) || value.toLowerCase().includes(wanted))
  return (
    <Card title={<Counted title={t('params')} found={found.length} all={all.length} />}>
      {all.length === 0 && <p className={styles.dim}>{t('noParams')}</p>}
      {found.length > 0 && (
        <Table label={t('params')}>
          <thead>
            <tr>
              <th scope="col">{t('name')}</th>
              <th scope="col">{t('value')}</th>
              <th scope="col">
                <span className="visually-hidden">{t('copyValue')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, shown).map(([key, value]) => (
              <tr key={key}>
                <th scope="row" className={styles.key}>
                  {key}
                </th>
                <td className={styles.value}>{value}</td>
                <td className={styles.button}>
                  <CopyButton text={value} label={t('copyOf', { name: key })} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {found.length > shown && (
        <Button small onClick={() => setShown(shown + 5 * PAGE)}>
          {t('common:loadMore')}
        </Button>
      )}
    </Card>
  )
}
