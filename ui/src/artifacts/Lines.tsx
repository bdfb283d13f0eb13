import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/Button'
import { Check, inputClass } from '@/components/Field'
import { formatCount } from '@/components/format'
import styles from './artifacts.module.css'

const LINE = 20
const LONGEST = 5000

/** Lines of a text or log, of which only what is in view is there; they can be searched, and wrapped. */
export function Lines({
  label,
  lines,
  follows = false,
  tools,
}: {
  label: string
  lines: readonly string[]
  /** Stay at the end while lines come, unless one has scrolled away from it. */
  follows?: boolean
  tools?: ReactNode
}): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const scroll = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const [wraps, setWraps] = useState(false)
  const [wanted, setWanted] = useState('')
  const [chosen, setChosen] = useState(0)
  const found = useMemo(() => findIn(lines, wanted), [lines, wanted])
  const current = found[Math.min(chosen, found.length - 1)]
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => LINE,
    overscan: 20,
    initialRect: { width: 800, height: 600 },
  })

  useEffect(() => {
    if (follows && atEnd.current && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [follows, lines.length, rows])
  useEffect(() => {
    if (current !== undefined) rows.scrollToIndex(current, { align: 'center' })
  }, [current, rows])
  useEffect(() => rows.measure(), [wraps, rows])

  function move(by: number): void {
    if (found.length > 0) setChosen((Math.min(chosen, found.length - 1) + by + found.length) % found.length)
  }

  return (
    <div className={styles.text}>
      <div className={styles.textTools}>
        <input
          type="search"
          className={inputClass}
          placeholder={t('common:search')}
          aria-label={t('searchIn', { name: label })}
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value)
            setChosen(0)
          }}
          onKeyDown={(event) => event.key === 'Enter' && move(event.shiftKey ? -1 : 1)}
        />
        {wanted && (
          <>
            <span role="status" className={styles.dim}>
              {t('matches', { at: found.length ? Math.min(chosen, found.length - 1) + 1 : 0, count: found.length })}
            </span>
            <IconButton icon="up" label={t('before')} small onClick={() => move(-1)} disabled={!found.length} />
            <IconButton icon="down" label={t('next')} small onClick={() => move(1)} disabled={!found.length} />
          </>
        )}
        <Check label={t('wrap')} checked={wraps} onChange={(event) => setWraps(event.target.checked)} />
        {tools}
      </div>
      <div
        ref={scroll}
        className={styles.lines}
        data-wraps={wraps || undefined}
        data-scrolls
        role="log"
        aria-live="off"
        aria-label={label}
        // What scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget
          atEnd.current = scrollHeight - scrollTop - clientHeight < 2 * LINE
        }}
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((item) => (
            <div
              key={item.key}
              ref={wraps ? rows.measureElement : undefined}
              data-index={item.index}
              data-current={item.index === current || undefined}
              className={styles.textLine}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className={styles.lineNumber} aria-hidden="true">
                {formatCount(item.index + 1)}
              </span>
              <code>
                <Marked text={shorten(lines[item.index]!)} wanted={wanted} />
              </code>
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}

function findIn(lines: readonly string[], wanted: string): number[] {
  const lower = wanted.toLowerCase()
  return lower ? lines.flatMap((line, index) => (line.toLowerCase().includes(lower) ? [index] : [])) : []
}

function shorten(line: string): string {
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}

function Marked({ text, wanted }: { text: string; wanted: string }): ReactElement {
  const at = wanted ? text.toLowerCase().indexOf(wanted.toLowerCase()) : -1
  if (at < 0) return <>{text || ' '}</>
  const end = at + wanted.length
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  )
}
