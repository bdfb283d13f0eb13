import { Fragment, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Dialog } from '@/components/Dialog'
import { Check } from '@/components/Field'
import { useShortcuts, type Shortcut } from '@/components/shortcuts'
import styles from './help.module.css'

/** The keys that do something just now, group by group. */
export function HelpSheet({ open, onClose }: { open: boolean; onClose: () => void }): ReactElement {
  const { t } = useTranslation()
  const { all, isEnabled, setEnabled } = useShortcuts()
  const groups = Map.groupBy(withoutTwins(all), ({ group }) => group)
  return (
    <Dialog open={open} onClose={onClose} title={t('shortcuts.title')} wide>
      <Check
        label={t('shortcuts.enabled')}
        checked={isEnabled}
        onChange={(event) => setEnabled(event.target.checked)}
      />
      <div className={styles.groups}>
        {[...groups].map(([group, shortcuts]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl className={styles.keys}>
              {shortcuts.map(({ keys, label }) => (
                <Fragment key={keys}>
                  <dt>
                    {keys.split(' ').map((key, index) => (
                      <kbd key={index}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{label}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}

/** Of several shortcuts with the same keys the last one mounted is the one that works. */
function withoutTwins(all: Shortcut[]): Shortcut[] {
  return [...new Map(all.map((each) => [each.keys, each])).values()]
}
