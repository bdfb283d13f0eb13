import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { CodeBlock } from '@/components/CodeBlock'
import { Card } from '@/components/Page'
import type { Details } from './models'
import styles from './models.module.css'
import { snippetsOf } from './snippets'

/** Code that loads or fetches a version from this server. */
export function UseModel({ version }: { version: Details }): ReactElement {
  const { t } = useTranslation('models')
  return (
    <div className={styles.stack}>
      <p className={styles.dim}>{t('use.text')}</p>
      {snippetsOf(version).map(({ id, language, code }) => (
        <Card key={`${id}${language}`} title={t(`use.${id}`, { flavour: language })}>
          <CodeBlock code={code} />
        </Card>
      ))}
    </div>
  )
}
