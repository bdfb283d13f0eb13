import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { Notice } from '@/components/Notice'
import styles from './artifacts.module.css'
import { nameOf } from './kinds'
import type { FileProps } from './source'
import { fileAddress } from './source'

/** A page of HTML that somebody uploaded, as a page of nobody's: its scripts run, and reach nothing of ours.
 *
 * The server says so too, by the policy that it sends with the page, whoever opens its address.
 */
export function HtmlView({ source, path }: FileProps): ReactElement {
  const { t } = useTranslation('artifacts')
  const [isOnline, setOnline] = useState(false)
  return (
    <>
      <Notice>
        {t(isOnline ? 'htmlOnline' : 'htmlOffline')}{' '}
        <Button small onClick={() => setOnline(!isOnline)}>
          {t(isOnline ? 'goOffline' : 'goOnline')}
        </Button>
      </Notice>
      <iframe
        key={String(isOnline)}
        className={styles.frame}
        title={nameOf(path)}
        src={fileAddress(source, path, isOnline ? 'online' : 'offline')}
        sandbox="allow-scripts"
        referrerPolicy="no-referrer"
        loading="lazy"
      />
    </>
  )
}
