import {
  useState,
  type CSSProperties,
  type DragEvent,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
} from 'react'
import { useTranslation } from 'react-i18next'
import { Icon } from '@/components/Icon'
import { Menu } from '@/components/Menu'
import type { GridColumn } from './column'
import styles from './grid.module.css'

const LEAST = 64
const DRAGGED = 'application/x-mainspring-column'

/** The head of a column: a click sorts, the menu does all, dragging moves it, its edge makes it wider. */
export function HeaderCell({
  column,
  index,
  style,
  gap,
  isActive,
  menu,
  head,
  onSort,
  onMove,
  onResize,
}: {
  column: GridColumn
  index: number
  style: CSSProperties
  gap: number
  isActive: boolean
  menu?: ReactNode
  head?: ReactNode
  onSort?: (columnId: string) => void
  onMove?: (columnId: string, to: number) => void
  onResize?: (columnId: string, width: number) => void
}): ReactElement {
  const { t } = useTranslation('runs')
  const [pulled, setPulled] = useState<number | null>(null)
  const [isTarget, setTarget] = useState(false)
  const canMove = onMove !== undefined && !column.isFixed

  function pull(event: PointerEvent<HTMLSpanElement>): void {
    event.preventDefault()
    const handle = event.currentTarget
    const from = event.clientX
    const width = (to: number) => Math.max(LEAST, Math.round(column.width + to - from))
    handle.setPointerCapture(event.pointerId)
    handle.onpointermove = (next) => setPulled(width(next.clientX))
    handle.onpointerup = (last) => {
      handle.onpointermove = handle.onpointerup = null
      setPulled(null)
      onResize?.(column.id, width(last.clientX))
    }
  }
  function drop(event: DragEvent): void {
    const moved = event.dataTransfer.getData(DRAGGED)
    setTarget(false)
    if (moved && moved !== column.id) onMove?.(moved, index)
  }
  const look = `${styles.head} ${column.isNumber ? styles.number : ''} ${column.isFixed ? styles.fixed : ''}`
  const width = pulled ?? style.width
  return (
    <div
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={column.sort && column.sort !== 'none' ? column.sort : undefined}
      className={`${look} ${column.isPinned ? styles.pinned : ''}`}
      style={{ ...style, width, marginInlineStart: gap || undefined }}
      data-row={-1}
      data-column={index}
      data-target={isTarget || undefined}
      tabIndex={!menu && isActive ? 0 : -1}
      draggable={canMove}
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, column.id)}
      onDragOver={(event) => {
        if (!canMove || !event.dataTransfer.types.includes(DRAGGED)) return
        event.preventDefault()
        setTarget(true)
      }}
      onDragLeave={() => setTarget(false)}
      onDrop={drop}
    >
      {head ?? (
        <button
          type="button"
          tabIndex={-1}
          className={styles.title}
          title={column.title}
          disabled={!onSort || !column.sort}
          onClick={() => onSort?.(column.id)}
        >
          <span className={styles.words}>{column.title}</span>
          {column.sort === 'ascending' && <Icon name="up" size={12} />}
          {column.sort === 'descending' && <Icon name="down" size={12} />}
        </button>
      )}
      {menu && (
        <Menu
          trigger={
            <button
              type="button"
              data-focus
              tabIndex={isActive ? 0 : -1}
              className={styles.more}
              aria-label={t('columns.menu', { name: column.title })}
            >
              <Icon name="chevronDown" size={12} />
            </button>
          }
        >
          {menu}
        </Menu>
      )}
      {onResize && !column.isFixed && <span className={styles.edge} aria-hidden="true" onPointerDown={pull} />}
    </div>
  )
}
