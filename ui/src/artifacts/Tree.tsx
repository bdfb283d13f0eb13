import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { formatBytes } from '@/components/format'
import { Icon } from '@/components/Icon'
import styles from './artifacts.module.css'
import { nameOf } from './kinds'
import { foldersAbove, linesOf, step, typedTo, type Folder, type Line } from './tree'

const LINE = 28
const TYPING_MS = 800

/** Files and folders as a tree, of which only what is in view is there (WAI-ARIA's pattern of a tree view). */
export function Tree({
  folders,
  load,
  path,
  onPath,
}: {
  folders: ReadonlyMap<string, Folder>
  load: (path: string) => void
  path: string | undefined
  onPath: (path: string) => void
}): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const id = useId()
  const scroll = useRef<HTMLDivElement>(null)
  const typed = useRef({ text: '', at: 0 })
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState(path ?? '')
  const lines = useMemo(() => linesOf(folders, open), [folders, open])
  const at = Math.max(
    0,
    lines.findIndex((line) => line.path === active && line.kind !== 'more' && line.kind !== 'failed'),
  )
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => LINE,
    overscan: 12,
    initialRect: { width: 280, height: 600 },
  })
  const items = rows.getVirtualItems()

  // What the address names is there to be seen: the folders that it lies in are open.
  useEffect(() => {
    if (!path) return
    const above = foldersAbove(path)
    for (const folder of above) load(folder)
    setOpen((before) => (above.every((each) => before.has(each)) ? before : new Set([...before, ...above])))
    setActive(path)
  }, [path, load])

  useEffect(() => {
    for (const item of items) {
      const line = lines[item.index]
      if (line?.kind === 'more') load(line.path)
    }
  }, [items, lines, load])

  function toggle(folder: string): void {
    const next = new Set(open)
    if (!next.delete(folder)) {
      next.add(folder)
      load(folder)
    }
    setOpen(next)
  }

  function move(to: number): void {
    const line = lines[to]
    if (!line) return
    setActive(line.path)
    rows.scrollToIndex(to)
  }

  function choose(line: Line): void {
    if (line.kind === 'failed') return load(line.path)
    if (line.kind === 'more') return
    setActive(line.path)
    if (line.kind === 'folder') toggle(line.path)
    onPath(line.path)
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const led = step(event.key, at, lines, open)
    if (led) {
      if ('to' in led) move(led.to)
      else toggle(led.toggle)
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (lines[at]) choose(lines[at])
    } else if (event.key.length === 1) {
      const isSoon = event.timeStamp - typed.current.at < TYPING_MS
      typed.current = { text: (isSoon ? typed.current.text : '') + event.key.toLowerCase(), at: event.timeStamp }
      if (lines.length > 0) move(typedTo(typed.current.text, at, lines))
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <div
      ref={scroll}
      className={styles.tree}
      role="tree"
      aria-label={t('files')}
      tabIndex={0}
      aria-activedescendant={lines.length > 0 ? `${id}${at}` : undefined}
      onKeyDown={onKeyDown}
      data-scrolls
    >
      <div role="none" style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {items.map((item) => {
          const line = lines[item.index]!
          return (
            <TreeLine
              key={`${line.kind} ${line.path}`}
              id={`${id}${item.index}`}
              line={line}
              top={item.start}
              isOpen={open.has(line.path)}
              isActive={item.index === at}
              isChosen={line.path === path && line.kind !== 'more'}
              onClick={() => choose(line)}
            />
          )
        })}
      </div>
    </div>
  )
}

function TreeLine({
  id,
  line,
  top,
  isOpen,
  isActive,
  isChosen,
  onClick,
}: {
  id: string
  line: Line
  top: number
  isOpen: boolean
  isActive: boolean
  isChosen: boolean
  onClick: () => void
}): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const isFolder = line.kind === 'folder'
  const look = [styles.line, isActive && styles.active].filter(Boolean).join(' ')
  return (
    // The tree itself takes the keys.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="treeitem"
      tabIndex={-1}
      className={look}
      style={{ transform: `translateY(${top}px)`, paddingLeft: `${(line.level - 1) * 16 + 4}px` }}
      aria-level={line.level}
      aria-setsize={line.count}
      aria-posinset={line.place}
      aria-expanded={isFolder ? isOpen : undefined}
      aria-selected={isChosen}
      onClick={onClick}
    >
      {line.kind === 'more' ? (
        <span className={styles.dim}>{t('common:loading')}</span>
      ) : line.kind === 'failed' ? (
        <span className={styles.bad}>{t('listingFailed')}</span>
      ) : (
        <>
          <span className={styles.twist}>{isFolder && <Icon name={isOpen ? 'chevronDown' : 'chevronRight'} />}</span>
          <Icon name={isFolder ? 'folder' : 'file'} />
          <span className={styles.name} title={nameOf(line.path)}>
            {nameOf(line.path)}
          </span>
          {line.size !== null && <span className={styles.size}>{formatBytes(line.size)}</span>}
        </>
      )}
    </div>
  )
}
