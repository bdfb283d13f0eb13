import { Toast as Radix } from 'radix-ui'
import { createContext, useCallback, useContext, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from './Button'
import styles from './overlay.module.css'

interface Told {
  id: number
  text: ReactNode
  kind: 'plain' | 'bad'
  action?: { label: string; run: () => void }
}
type Tell = (text: ReactNode, options?: Partial<Pick<Told, 'kind' | 'action'>>) => void

const Context = createContext<Tell>(() => undefined)
let last = 0

/** Say in passing that something was done, with a way back perhaps: `toast('Deleted.', { action: { label, run } })`. */
export function useToast(): Tell {
  return useContext(Context)
}

export function ToastProvider({ children }: { children: ReactNode }): ReactElement {
  const { t } = useTranslation()
  const [told, setTold] = useState<Told[]>([])
  const tell = useCallback<Tell>((text, { kind = 'plain', action } = {}) => {
    last += 1
    setTold((all) => [...all.slice(-3), { id: last, text, kind, action }])
  }, [])
  const forget = (id: number) => setTold((all) => all.filter((each) => each.id !== id))
  return (
    <Context value={tell}>
      <Radix.Provider duration={6000} label={t('app')}>
        {children}
        {told.map(({ id, text, kind, action }) => (
          <Radix.Root
            key={id}
            className={`${styles.toast} ${kind === 'bad' ? styles.bad : ''}`}
            onOpenChange={(open) => !open && forget(id)}
          >
            <Radix.Description asChild>
              <div>{text}</div>
            </Radix.Description>
            {action && (
              <Radix.Action altText={action.label} asChild>
                <Button small onClick={action.run}>
                  {action.label}
                </Button>
              </Radix.Action>
            )}
            <Radix.Close asChild>
              <IconButton icon="close" label={t('close')} small />
            </Radix.Close>
          </Radix.Root>
        ))}
        <Radix.Viewport className={styles.toasts} />
      </Radix.Provider>
    </Context>
  )
}
