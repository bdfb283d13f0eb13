import { Dialog as Radix } from 'radix-ui'
import { useState, type FormEvent, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Button, IconButton } from './Button'
import { Notice } from './Notice'
import styles from './overlay.module.css'

/** A dialog: the focus stays in it, Escape closes it, and goes back to what opened it. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  wide = false,
  children,
}: {
  open: boolean
  onClose: () => void
  title: string
  description?: ReactNode
  wide?: boolean
  children: ReactNode
}): ReactElement {
  const { t } = useTranslation()
  const told = description ? {} : { 'aria-describedby': undefined }
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles.backdrop} />
        <Radix.Content
          className={`${styles.dialog} ${wide ? styles.wide : ''}`}
          onOpenAutoFocus={focusWithin}
          {...told}
        >
          <div className={styles.head}>
            <Radix.Title asChild>
              <h2>{title}</h2>
            </Radix.Title>
            <Radix.Close asChild>
              <IconButton icon="close" label={t('close')} small />
            </Radix.Close>
          </div>
          {description && <Radix.Description className={styles.dim}>{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** Begin with the first field; without any, with the dialog itself: its button for closing would open its tooltip. */
function focusWithin(event: Event): void {
  event.preventDefault()
  const dialog = event.currentTarget as HTMLElement
  const field = dialog.querySelector<HTMLElement>('input, select, textarea')
  ;(field ?? dialog).focus()
}

/** A dialog with a form: `send` is called once, what it throws is shown, and what was typed stays. */
export function FormDialog({
  send,
  submit,
  danger = false,
  onClose,
  children,
  ...rest
}: {
  open: boolean
  onClose: () => void
  title: string
  description?: ReactNode
  wide?: boolean
  send: (form: FormData) => Promise<unknown>
  submit: string
  danger?: boolean
  children?: ReactNode
}): ReactElement {
  const { t } = useTranslation()
  const [wrong, setWrong] = useState<Error | null>(null)
  const [busy, setBusy] = useState(false)

  async function onSubmit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setWrong(null)
    try {
      await send(new FormData(event.currentTarget))
      onClose()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setWrong(error)
    } finally {
      setBusy(false)
    }
  }

  function close(): void {
    setWrong(null)
    onClose()
  }

  return (
    <Dialog onClose={close} {...rest}>
      <form onSubmit={(event) => void onSubmit(event)}>
        {children}
        {wrong && <Notice kind="bad">{wrong.message}</Notice>}
        <div className={styles.foot}>
          <Button onClick={close}>{t('cancel')}</Button>
          <Button type="submit" kind={danger ? 'danger' : 'primary'} disabled={busy}>
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
