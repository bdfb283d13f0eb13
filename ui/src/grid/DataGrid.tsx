import {
  memo,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  type Ref,
} from 'react'
import styles from './grid.module.css'
import type { GridColumn } from './column'
import { HeaderCell } from './HeaderCell'
import { columnsInView, HEADER, reveal, ROW, rowsInView, trackOf } from './track'

/** What the page does with a grid from outside of it. */
export interface GridHandle {
  move: (rows: number) => void
  /** The row that has the focus, or had it last. */
  activeRow: () => number
  scrollTo: (row: number) => void
}

interface Props<Row> {
  label: string
  columns: GridColumn[]
  count: number
  /** The row at a place, undefined while it is not there yet. */
  rowAt: (index: number) => Row | undefined
  /** What stands in a cell: plain and light, for it is drawn while scrolling. Must be stable. */
  cell: (row: Row, columnId: string, index: number) => ReactNode
  /** What the menu of a column offers. */
  menu?: (column: GridColumn, index: number) => ReactNode
  /** What stands in the header of a fixed column. */
  head?: (columnId: string) => ReactNode
  isSelected?: (row: Row) => boolean
  onView?: (first: number, last: number) => void
  onOpen?: (index: number) => void
  onToggle?: (index: number, extend: boolean) => void
  /** A value was clicked, or `f` was pressed on it. */
  onCell?: (index: number, columnId: string, element: HTMLElement) => void
  onSort?: (columnId: string) => void
  onMove?: (columnId: string, to: number) => void
  onResize?: (columnId: string, width: number) => void
  /** The row that the view begins with at first. */
  start?: number
  ref?: Ref<GridHandle>
}

const OVERSCAN = 5
/** Narrower than this nothing is pinned: it would fill the view. */
const NARROW = 560

interface View {
  first: number
  last: number
  left: number
  right: number
  /** What is added to a row's own place, where the track is mapped. */
  shift: number
  isNarrow: boolean
}

/** A table of any number of rows, of which only those in view are drawn: WAI-ARIA's grid, with a roving focus. */
export function DataGrid<Row>(props: Props<Row>): ReactElement {
  const { label, columns, count, rowAt, cell, isSelected, onView, start = 0, ref } = props
  const box = useRef<HTMLDivElement>(null)
  const hadFocus = useRef(false)
  const isParking = useRef(false)
  const wanted = useRef(start)
  const [active, setActive] = useState({ row: start, column: 0 })
  const [size, setSize] = useState({ width: 0, height: 0 })
  const [view, setView] = useState<View>({ first: 0, last: -1, left: 0, right: 0, shift: 0, isNarrow: false })
  const body = Math.max(0, size.height - HEADER)
  const track = useMemo(() => trackOf(count, body), [count, body])
  const layout = useMemo(() => layoutOf(columns, size.width < NARROW), [columns, size.width])

  const look = useCallback(() => {
    const element = box.current
    if (!element) return
    const { scrollTop, scrollLeft, clientWidth } = element
    const offset = track.offset(scrollTop)
    const [first, last] = rowsInView(offset, body, count)
    const room = clientWidth - layout.pinnedWidth
    const [left, right] = columnsInView(layout.widths, scrollLeft, scrollLeft + room)
    const next = { first, last, left, right, shift: scrollTop - offset, isNarrow: clientWidth < NARROW }
    setView((known) => (isSame(known, next) ? known : next))
  }, [track, body, count, layout])

  useLayoutEffect(() => {
    const element = box.current!
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(look, [look])
  useLayoutEffect(() => {
    // Begin where one was before, once there are so many rows.
    if (wanted.current === 0 || body === 0 || count <= wanted.current) return
    box.current!.scrollTop = track.scroll(wanted.current * ROW)
    wanted.current = 0
  }, [body, count, track])
  useEffect(() => {
    if (view.last >= view.first) onView?.(view.first, view.last)
  }, [onView, view.first, view.last])

  const scrollTo = useCallback(
    (row: number) => {
      const element = box.current!
      const offset = track.offset(element.scrollTop)
      const wanted = reveal(row, offset, body)
      if (wanted !== offset) element.scrollTop = track.scroll(wanted)
      look()
    },
    [track, body, look],
  )
  const goTo = useCallback(
    (row: number, column: number) => {
      const at = { row: clamp(row, -1, count - 1), column: clamp(column, 0, columns.length - 1) }
      if (at.row >= 0) scrollTo(at.row)
      scrollToColumn(box.current!, layout, at.column)
      hadFocus.current = true
      look()
      setActive(at)
    },
    [count, columns.length, scrollTo, layout, look],
  )
  useImperativeHandle(
    ref,
    () => ({ move: (rows) => goTo(active.row + rows, active.column), activeRow: () => active.row, scrollTo }),
    [goTo, active, scrollTo],
  )
  useLayoutEffect(() => {
    if (!hadFocus.current) return
    // What had the focus may have been scrolled away: the keys still belong to the grid.
    const focused = document.activeElement
    if (focused && focused !== document.body && !box.current!.contains(focused)) return
    const cell = cellAt(box.current!, active.row, active.column)
    if (cell?.contains(focused)) return
    // Focus that is parked on the grid itself goes nowhere: one scrolls, and the keys go on from the cell.
    isParking.current = true
    focusCell(box.current!, cell)
    isParking.current = false
  })

  function onKeyDown(event: KeyboardEvent): void {
    // Menus that cells open are beside the grid on the page, and inside it for React.
    if (!box.current!.contains(event.target as Node)) return
    // A button that has the focus of its cell is pressed, as buttons are.
    const isPress = event.key === 'Enter' || event.key === ' '
    if (isPress && (event.target as HTMLElement).closest('[data-focus]')) return
    const page = Math.max(1, Math.floor(body / ROW) - 1)
    const { row, column } = active
    const isFar = event.ctrlKey || event.metaKey
    const to: Record<string, [number, number]> = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [Math.max(0, row - page), column],
      Home: isFar ? [0, 0] : [row, 0],
      End: isFar ? [count - 1, columns.length - 1] : [row, columns.length - 1],
    }
    const next = to[event.key]
    if (next && !event.altKey) goTo(...next)
    else if (row < 0) return
    else if (event.key === 'Enter' && props.onOpen) props.onOpen(row)
    else if (event.key === ' ' && props.onToggle) props.onToggle(row, event.shiftKey)
    else if (event.key === 'f' && !isFar && props.onCell) {
      const element = cellAt(box.current!, row, column)
      if (element) props.onCell(row, columns[column]!.id, element)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  function onClick(event: MouseEvent): void {
    const target = event.target as HTMLElement
    const found = target.closest<HTMLElement>('[role=gridcell]')
    if (!found) return
    const [row, column] = [Number(found.dataset.row), Number(found.dataset.column)]
    setActive({ row, column })
    if (target.closest('a, button')) return
    if (columns[column]?.id === 'select') props.onToggle?.(row, event.shiftKey)
    else props.onCell?.(row, columns[column]!.id, found)
  }

  const { left, right } = view
  const drawn = useMemo(() => drawnColumns(columns, layout, left, right), [columns, layout, left, right])
  const rows = []
  const end = Math.min(count - 1, view.last + OVERSCAN)
  for (let index = Math.max(0, view.first - OVERSCAN); index <= end; index++) {
    const row = rowAt(index)
    rows.push(
      <GridRow
        key={index}
        index={index}
        row={row}
        drawn={drawn}
        top={HEADER + index * ROW + view.shift}
        width={layout.width}
        active={active.row === index ? active.column : -1}
        isSelected={row !== undefined && (isSelected?.(row) ?? false)}
        cell={cell as (row: unknown, columnId: string, index: number) => ReactNode}
      />,
    )
  }
  const isActiveDrawn = active.row < 0 || (active.row >= view.first - OVERSCAN && active.row <= end)
  return (
    // The keys are caught before what stands in the cells gets them.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={box}
      role="grid"
      className={styles.grid}
      aria-label={label}
      aria-rowcount={count + 1}
      aria-colcount={columns.length}
      aria-multiselectable={props.onToggle ? true : undefined}
      data-scrolls
      tabIndex={isActiveDrawn && count > 0 ? -1 : 0}
      onScroll={look}
      onKeyDownCapture={onKeyDown}
      onClick={onClick}
      onFocus={(event) => {
        hadFocus.current = true
        if (event.target === box.current && !isParking.current && active.row >= 0 && count > 0)
          goTo(active.row, active.column)
      }}
      onBlur={(event) => {
        // What is taken away while it has the focus says nothing of where the focus goes.
        if (event.relatedTarget && !box.current!.contains(event.relatedTarget)) hadFocus.current = false
      }}
      onPointerDownCapture={() => {
        hadFocus.current = true
      }}
    >
      <div className={styles.sizer} style={{ height: track.height + HEADER, width: layout.width }}>
        <div role="row" aria-rowindex={1} className={styles.header} style={{ width: layout.width }}>
          {drawn.map(({ column, index, style, gap }) => (
            <HeaderCell
              key={column.id}
              column={column}
              index={index}
              style={style}
              gap={gap}
              isActive={active.row < 0 && active.column === index}
              menu={column.isFixed ? undefined : props.menu?.(column, index)}
              head={column.isFixed ? props.head?.(column.id) : undefined}
              onSort={props.onSort}
              onMove={props.onMove}
              onResize={props.onResize}
            />
          ))}
        </div>
        {rows}
      </div>
    </div>
  )
}

interface Drawn {
  column: GridColumn
  index: number
  style: CSSProperties
  /** The room of the columns that are left out before this one. */
  gap: number
}

const GridRow = memo(function GridRow({
  index,
  row,
  drawn,
  top,
  width,
  active,
  isSelected,
  cell,
}: {
  index: number
  row: unknown
  drawn: Drawn[]
  top: number
  width: number
  active: number
  isSelected: boolean
  cell: (row: unknown, columnId: string, index: number) => ReactNode
}): ReactElement {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-busy={row === undefined ? true : undefined}
      className={styles.row}
      style={{ transform: `translateY(${top}px)`, width }}
      data-active={active >= 0 || undefined}
    >
      {drawn.map(({ column, index: place, style, gap }) => (
        <div
          key={column.id}
          role="gridcell"
          aria-colindex={place + 1}
          className={cellClass(column)}
          style={gap > 0 ? { ...style, marginInlineStart: gap } : style}
          data-row={index}
          data-column={place}
          tabIndex={active === place ? 0 : -1}
        >
          {row === undefined ? <span className={styles.waiting} /> : cell(row, column.id, index)}
        </div>
      ))}
    </div>
  )
})

function cellClass(column: GridColumn): string {
  const pinned = column.isPinned ? styles.pinned : ''
  return `${styles.cell} ${column.isNumber ? styles.number : ''} ${column.isFixed ? styles.fixed : ''} ${pinned}`
}

interface Layout {
  /** How many of the first columns stay on the left. */
  pinned: number
  pinnedWidth: number
  /** Of the other columns. */
  widths: number[]
  width: number
}

function layoutOf(columns: GridColumn[], isNarrow: boolean): Layout {
  const pinned = isNarrow ? 0 : columns.filter((each) => each.isPinned).length
  const pinnedWidth = sum(columns.slice(0, pinned).map((each) => each.width))
  const widths = columns.slice(pinned).map((each) => each.width)
  return { pinned, pinnedWidth, widths, width: pinnedWidth + sum(widths) }
}

function drawnColumns(columns: GridColumn[], { pinned, widths }: Layout, left: number, right: number): Drawn[] {
  let edge = 0
  const kept = columns.slice(0, pinned).map((column, index): Drawn => {
    const style: CSSProperties = { width: column.width, position: 'sticky', insetInlineStart: edge, zIndex: 1 }
    edge += column.width
    return { column, index, style, gap: 0 }
  })
  const others = columns.slice(pinned + left, pinned + right + 1).map((column, place): Drawn => {
    const gap = place === 0 ? sum(widths.slice(0, left)) : 0
    return { column: { ...column, isPinned: false }, index: pinned + left + place, style: { width: column.width }, gap }
  })
  return [...kept, ...others]
}

function scrollToColumn(element: HTMLElement, { pinned, pinnedWidth, widths }: Layout, column: number): void {
  if (column < pinned) return
  const from = sum(widths.slice(0, column - pinned))
  const to = from + widths[column - pinned]!
  const room = element.clientWidth - pinnedWidth
  if (from < element.scrollLeft) element.scrollLeft = from
  else if (to > element.scrollLeft + room) element.scrollLeft = to - room
}

function cellAt(box: HTMLElement, row: number, column: number): HTMLElement | null {
  return box.querySelector<HTMLElement>(`[data-row="${row}"][data-column="${column}"]`)
}

function focusCell(box: HTMLElement, cell: HTMLElement | null): void {
  const target = cell?.querySelector<HTMLElement>('[data-focus]') ?? cell ?? box
  target.focus({ preventScroll: true })
}

function isSame(one: View, other: View): boolean {
  return (Object.keys(one) as (keyof View)[]).every((key) => one[key] === other[key])
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}
