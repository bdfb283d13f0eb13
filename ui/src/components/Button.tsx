import type { ButtonHTMLAttributes, ReactElement, ReactNode } from 'react'
import styles from './controls.module.css'
import { Icon, type IconName } from './Icon'
import { Tooltip } from './Tooltip'

export type ButtonKind = 'plain' | 'primary' | 'danger' | 'quiet'

interface Look {
  kind?: ButtonKind
  small?: boolean
  icon?: IconName
}

/** The classes of a button, for links that look like one. */
export function buttonClass({ kind = 'plain', small = false }: Look = {}, ...more: string[]): string {
  return [styles.button, kind !== 'plain' && styles[kind], small && styles.small, ...more].filter(Boolean).join(' ')
}

export function Button({
  kind,
  small,
  icon,
  children,
  className = '',
  ...rest
}: Look & { children: ReactNode } & ButtonHTMLAttributes<HTMLButtonElement>): ReactElement {
  return (
    <button type="button" className={buttonClass({ kind, small }, className)} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A button that shows an icon alone; `label` is its name, and its tooltip. */
export function IconButton({
  icon,
  label,
  kind = 'quiet',
  small,
  className = '',
  ...rest
}: { icon: IconName; label: string } & Look & ButtonHTMLAttributes<HTMLButtonElement>): ReactElement {
  return (
    <Tooltip text={label}>
      <button
        type="button"
        aria-label={label}
        className={buttonClass({ kind, small }, styles.icon!, className)}
        {...rest}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  )
}
