import {
  useId,
  type InputHTMLAttributes,
  type ReactElement,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react'
import styles from './controls.module.css'

interface Told {
  label: string
  hint?: ReactNode
  wrong?: string | null
}

/** What an input is called, what it wants, and what is wrong with it. */
function Field({ id, label, hint, wrong, children }: Told & { id: string; children: ReactNode }): ReactElement {
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      {children}
      {hint && (
        <div className={styles.hint} id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {wrong && (
        <div className={styles.wrong} id={`${id}-wrong`} role="alert">
          {wrong}
        </div>
      )}
    </div>
  )
}

function told(id: string, { hint, wrong }: Told): object {
  const by = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ')
  return { id, className: styles.input, 'aria-invalid': wrong ? true : undefined, 'aria-describedby': by || undefined }
}

export function TextField({ label, hint, wrong, ...rest }: Told & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  const id = useId()
  return (
    <Field id={id} {...{ label, hint, wrong }}>
      <input {...told(id, { label, hint, wrong })} {...rest} />
    </Field>
  )
}

export function TextArea({
  label,
  hint,
  wrong,
  ...rest
}: Told & TextareaHTMLAttributes<HTMLTextAreaElement>): ReactElement {
  const id = useId()
  return (
    <Field id={id} {...{ label, hint, wrong }}>
      <textarea {...told(id, { label, hint, wrong })} {...rest} />
    </Field>
  )
}

export function SelectField({
  label,
  hint,
  wrong,
  choices,
  ...rest
}: Told & { choices: readonly (readonly [string, string])[] } & SelectHTMLAttributes<HTMLSelectElement>): ReactElement {
  const id = useId()
  return (
    <Field id={id} {...{ label, hint, wrong }}>
      <select {...told(id, { label, hint, wrong })} {...rest}>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  )
}

export function Check({ label, ...rest }: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  )
}

export const inputClass = styles.input!
