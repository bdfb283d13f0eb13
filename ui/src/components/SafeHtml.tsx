import type { ReactElement } from 'react'
import styles from './prose.module.css'

/** HTML that the server has made safe (`/api/v1/project/readme` and its like); never what somebody has written as it is. */
export function SafeHtml({ html }: { html: string }): ReactElement {
  // eslint-disable-next-line no-restricted-syntax
  return <div className={styles.prose} dangerouslySetInnerHTML={{ __html: html }} />
}
