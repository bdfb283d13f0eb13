import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactElement, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/Button'
import { inputClass } from '@/components/Field'
import { complete, isClause, valueColumn, type Completion } from './filter'
import styles from './runs.module.css'

const NAME_WAIT_MS = 180
const CLOSED: Completion = { from: 0, to: 0, options: [] }

/** Where a filter is typed, in MLflow's grammar with completion, or just a part of a name. Enter applies it. */
export function FilterBox({
  value,
  columnIds,
  valuesOf,
  onApply,
  isWrong,
  ref,
}: {
  value: string
  columnIds: string[]
  /** The values that runs have in a column, the commonest first. */
  valuesOf: (columnId: string) => Promise<string[]>
  onApply: (filter: string) => void
  isWrong: boolean
  ref?: Ref<HTMLInputElement>
}): ReactElement {
  const { t } = useTranslation('runs')
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(value)
  const [applied, setApplied] = useState(value)
  const [found, setFound] = useState(CLOSED)
  const [chosen, setChosen] = useState(-1)
  const [known, setKnown] = useState<Record<string, string[]>>({})
  // The address was changed by something else, a click on a cell or Back: show what it says now.
  if (applied !== value) {
    setApplied(value)
    if (value !== text.trim()) setText(value)
  }
  const apply = useRef(onApply)
  useEffect(() => {
    apply.current = onApply
  })
  useEffect(() => {
    // A part of a name is looked for while it is typed; half a clause would only be wrong.
    if (text === value || isClause(text) || isClause(value)) return
    const timer = setTimeout(() => apply.current(text.trim()), NAME_WAIT_MS)
    return () => clearTimeout(timer)
  }, [text, value])

  function look(next: string, caret: number): void {
    setFound(complete(next, caret, columnIds, (columnId) => known[columnId] ?? []))
    setChosen(-1)
    const asked = valueColumn(next, caret, columnIds)
    if (asked && !known[asked]) void learn(asked, next, caret)
  }
  async function learn(columnId: string, asked: string, caret: number): Promise<void> {
    const values = await valuesOf(columnId)
    setKnown((before) => ({ ...before, [columnId]: values }))
    if (input.current?.value === asked) setFound(complete(asked, caret, columnIds, () => values))
  }
  function take(place: number): void {
    const { from, to, options } = found
    const next = text.slice(0, from) + options[place]!.text + text.slice(to)
    const caret = from + options[place]!.text.length
    setText(next)
    look(next, caret)
    const element = input.current!
    element.focus()
    requestAnimationFrame(() => element.setSelectionRange(caret, caret))
  }
  function onKeyDown(event: KeyboardEvent): void {
    const { length } = found.options
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (length === 0) return look(text, input.current!.selectionStart ?? text.length)
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setChosen((chosen + step + length + (chosen < 0 && step < 0 ? 1 : 0)) % length)
    } else if (event.key === 'Escape' && length > 0) {
      event.preventDefault()
      setFound(CLOSED)
    } else if ((event.key === 'Enter' && chosen >= 0) || (event.key === 'Tab' && chosen >= 0)) {
      event.preventDefault()
      take(chosen)
    } else if (event.key === 'Enter') {
      setFound(CLOSED)
      onApply(text.trim())
    }
  }
  const isOpen = found.options.length > 0
  return (
    <div className={styles.filter}>
      <input
        ref={(element) => {
          input.current = element
          if (typeof ref === 'function') ref(element)
          else if (ref) ref.current = element
        }}
        className={inputClass}
        role="combobox"
        aria-label={t('filter.label')}
        aria-expanded={isOpen}
        aria-controls={`${id}-options`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-invalid={isWrong || undefined}
        placeholder={t('filter.placeholder')}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          look(event.target.value, event.target.selectionStart ?? event.target.value.length)
        }}
        onClick={() => look(text, input.current!.selectionStart ?? text.length)}
        onKeyDown={onKeyDown}
        onBlur={() => setFound(CLOSED)}
      />
      {text !== '' && (
        <IconButton
          icon="close"
          label={t('filter.clear')}
          small
          className={styles.clear}
          onClick={() => {
            setText('')
            setFound(CLOSED)
            onApply('')
          }}
        />
      )}
      <div
        id={`${id}-options`}
        role="listbox"
        aria-label={t('filter.options')}
        className={styles.options}
        hidden={!isOpen}
      >
        {found.options.map((option, place) => (
          // The keys are the input's, whose listbox this is.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={option.label}
            id={`${id}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === chosen}
            className={styles.option}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(place)}
          >
            <span>{option.label}</span>
            <span>{t(`filter.kinds.${option.kind as 'key' | 'operator' | 'value'}`)}</span>
          </div>
        ))}
      </div>
    </div>
  )
}
