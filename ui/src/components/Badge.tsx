import type { ReactElement, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import styles from './controls.module.css'
import { Icon, type IconName } from './Icon'

export type BadgeKind = 'plain' | 'good' | 'warn' | 'bad' | 'accent'

/** A short word about something: a tag, an alias, a state. */
export function Badge({
  kind = 'plain',
  icon,
  children,
}: {
  kind?: BadgeKind
  icon?: IconName
  children: ReactNode
}): ReactElement {
  return (
    <span className={`${styles.badge} ${styles[kind] ?? ''}`}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  )
}

type Status = Schemas['RunStatus']
const LOOKS: Record<Status, [BadgeKind, IconName]> = {
  RUNNING: ['accent', 'play'],
  SCHEDULED: ['plain', 'clock'],
  FINISHED: ['good', 'check'],
  FAILED: ['bad', 'warning'],
  KILLED: ['warn', 'stop'],
}

/** The status of a run: a word, a shape and a colour. */
export function RunStatus({ status }: { status: Status }): ReactElement {
  const { t } = useTranslation()
  const [kind, icon] = LOOKS[status]
  return (
    <Badge kind={kind} icon={icon}>
      {t(`status.${status}`)}
    </Badge>
  )
}
