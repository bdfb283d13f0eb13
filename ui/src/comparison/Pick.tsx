import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { inputClass } from '@/components/Field'
import styles from './comparison.module.css'
import type { Field } from './fields'

/** Which param or metric is meant. */
export function Pick({
  label,
  fields,
  value,
  none,
  onChange,
}: {
  label: string
  fields: Field[]
  value: string | undefined
  /** What choosing none is called, where that can be. */
  none?: string
  onChange: (id: string) => void
}): ReactElement {
  const { t } = useTranslation('compare')
  return (
    <label className={styles.pick}>
      <span>{label}</span>
      <select className={inputClass} value={value ?? ''} onChange={(event) => onChange(event.target.value)}>
        {none && <option value="">{none}</option>}
        {(['params', 'metrics'] as const).map((kind) => (
          <optgroup key={kind} label={t(`sections.${kind}`)}>
            {fields
              .filter((field) => field.kind === kind)
              .map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
  )
}
