import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from './Button'
import styles from './notice.module.css'
import { useToast } from './Toast'

/** Code to copy. */
export function CodeBlock({ code, title }: { code: string; title?: string }): ReactElement {
  return (
    <figure className={styles.code}>
      {title && <figcaption>{title}</figcaption>}
      <CopyButton text={code} />
      {/* What scrolls must be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre data-scrolls tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  )
}

export function CopyButton({ text, label }: { text: string; label?: string }): ReactElement {
  const { t } = useTranslation()
  const toast = useToast()
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(text)
    toast(t('copied'))
  }
  return <IconButton icon="copy" label={label ?? t('copy')} small onClick={() => void copy()} />
}
