import { memo, useMemo, useRef, useState, type DragEvent, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { Icon } from '@/components/Icon'
import { Menu, MenuItem, MenuLine } from '@/components/Menu'
import { Loading, Notice } from '@/components/Notice'
import { Button, IconButton } from '@/components/Button'
import { useToast } from '@/components/Toast'
import { BarPanel, type Bar } from './BarPanel'
import styles from './charts.module.css'
import { fetchBands, fetchCurves, pointsFor, useBands, useCurves } from './data'
import { bandRows, csv, curveRows, png, save } from './export'
import { LinePlot } from './LinePlot'
import { columnsOf } from './looking'
import { moved, shortName } from './metrics'
import { usePalette } from './palette'
import { PointsTable } from './PointsTable'
import { LiftedValue, Readout } from './Readout'
import { useScene } from './scene'
import type { Picture } from './draw'
import type { XAxis } from './settings'
import type { Extent } from './curves'
import { useInView } from './useInView'
import { usePicture } from './usePicture'

const DRAGGED = 'application/x-mainspring-metric'
const EXPORTED_POINTS = 10_000
const NO_GROUPS = {}

/** One metric: its picture, what can be done with it, and where it stands. `keys` are all of its section. */
export const Panel = memo(function Panel({
  metric,
  keys,
  isLarge = false,
}: {
  metric: string
  keys: string[]
  isLarge?: boolean
}): ReactElement {
  const [ref, isIn, width] = useInView<HTMLElement>()
  const { settings, change } = useScene()
  const [isOver, setOver] = useState(false)

  function drop(event: DragEvent): void {
    const dragged = event.dataTransfer.getData(DRAGGED)
    setOver(false)
    if (!keys.includes(dragged) || dragged === metric) return
    event.preventDefault()
    change({ order: moved(settings.order, keys, dragged, metric) })
  }

  return (
    // Who does not drag has the arrow keys on the handle, and the menu.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      ref={ref}
      className={`${styles.panel} ${styles[settings.height] ?? ''} ${isLarge ? styles.large : ''}`}
      aria-label={metric}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(DRAGGED)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {isIn ? (
        <Content metric={metric} keys={keys} width={width} isLarge={isLarge} />
      ) : (
        <h3 className={styles.name}>{shortName(metric)}</h3>
      )}
    </article>
  )
})

function Content({
  metric,
  keys,
  width,
  isLarge,
}: {
  metric: string
  keys: string[]
  width: number
  isLarge: boolean
}): ReactElement {
  const { t } = useTranslation('charts')
  const scene = useScene()
  const { names, settled, running, starts, groups, settings, change } = scene
  const canvas = useRef<HTMLCanvasElement>(null)
  const [hasTable, setTable] = useState(false)
  const count = groups ? Object.keys(groups).length : settled.length + running.length
  const { x, from, to } = settings
  const wanted = { metric, starts, x, from, to, points: pointsFor(width, count) }
  const runCurves = useCurves(settled, running, wanted, !groups)
  const groupBands = useBands(groups ?? NO_GROUPS, running.length > 0, wanted, groups !== null)
  const found = groups ? groupBands : runCurves
  const { isPending, error } = found
  const groupNames = useMemo(() => Object.keys(groups ?? NO_GROUPS), [groups])
  const picture = usePicture(found.curves, found.bands, names, groupNames, settings)
  const zoom = (window: Extent | null) =>
    change({ from: window?.[0] ?? null, to: window?.[1] ?? null }, { replace: false })

  return (
    <>
      <header className={styles.panelHead}>
        {!isLarge && <Handle metric={metric} keys={keys} />}
        <h3 className={styles.name} title={metric}>
          {isLarge ? metric : shortName(metric)}
        </h3>
        {picture && <LiftedValue panel={metric} picture={picture} />}
        {!isLarge && (
          <IconButton
            icon="expand"
            small
            label={t('panel.large', { metric })}
            onClick={() => change({ panel: metric }, { replace: false })}
          />
        )}
        <PanelMenu
          metric={metric}
          keys={keys}
          picture={picture}
          canvas={canvas}
          isLarge={isLarge}
          onTable={() => setTable(true)}
        />
      </header>
      <div className={styles.body} aria-busy={isPending || found.isLate}>
        {error && !picture ? (
          <div className={styles.wrong}>
            <Notice kind="bad">{error.message}</Notice>
            <Button small onClick={() => void found.retry()}>
              {t('retry', { ns: 'common' })}
            </Button>
          </div>
        ) : picture ? (
          <Shown metric={metric} picture={picture} x={found.x} canvas={canvas} zoom={zoom} />
        ) : isPending ? (
          <Loading />
        ) : (
          <p className={styles.nothing}>{t(from !== null || to !== null ? 'panel.nothingHere' : 'panel.nothing')}</p>
        )}
      </div>
      {hasTable && picture && (
        <PointsTable title={metric} picture={picture} x={found.x} onClose={() => setTable(false)} />
      )}
    </>
  )
}

/** What a panel is moved by: dragged, or by the arrow keys. */
function Handle({ metric, keys }: { metric: string; keys: string[] }): ReactElement {
  const { t } = useTranslation('charts')
  const move = useMove(metric, keys)
  return (
    <button
      type="button"
      className={styles.handle}
      draggable
      aria-label={t('panel.move', { metric })}
      aria-keyshortcuts="ArrowLeft ArrowRight Home"
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, metric)
        event.dataTransfer.effectAllowed = 'move'
        const panel = event.currentTarget.closest('article')
        if (panel) event.dataTransfer.setDragImage(panel, 8, 8)
      }}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1, Home: -keys.indexOf(metric) }[event.key]
        if (by === undefined) return
        event.preventDefault()
        move(keys.indexOf(metric) + by)
      }}
    >
      <Icon name="drag" />
    </button>
  )
}

/** Return what moves a panel to a place within its section, and says so. */
function useMove(metric: string, keys: string[]): (to: number) => void {
  const { t } = useTranslation('charts')
  const { settings, change } = useScene()
  const toast = useToast()
  return (to) => {
    const target = keys[to]
    if (!target || target === metric) return
    change({ order: moved(settings.order, keys, metric, target) })
    toast(t('panel.moved', { metric, place: to + 1, count: keys.length }))
  }
}

function Shown({
  metric,
  picture,
  x,
  canvas,
  zoom,
}: {
  metric: string
  picture: Picture
  x: XAxis
  canvas: RefObject<HTMLCanvasElement | null>
  zoom: (window: Extent | null) => void
}): ReactElement {
  const { t } = useTranslation('charts')
  const { settings } = useScene()
  const bars = barsOf(picture)
  if (bars && settings.from === null) return <BarPanel bars={bars} title={metric} />
  const lost = picture.isLogY
    ? picture.lines.reduce((sum, { ys }) => sum + ys.filter((value) => value <= 0).length, 0)
    : 0
  return (
    <>
      <LinePlot panel={metric} title={metric} picture={picture} x={x} onZoom={zoom} canvas={canvas} />
      <Readout panel={metric} picture={picture} x={x} />
      {lost > 0 && <p className={styles.lost}>{t('panel.lost', { count: lost })}</p>}
    </>
  )
}

/** Return bars where every run has one point. */
function barsOf({ lines, ribbons }: Picture): Bar[] | null {
  if (!lines.every(({ total }) => total === 1) || !ribbons.every(({ xs }) => xs.length === 1)) return null
  return [
    ...lines.map(({ id, name, color, ys }) => ({ id, name, color, value: ys[0]! })),
    ...ribbons.map(({ id, name, color, mean, std }) => ({ id, name, color, value: mean[0]!, std: std[0]! })),
  ]
}

function PanelMenu({
  metric,
  keys,
  picture,
  canvas,
  isLarge,
  onTable,
}: {
  metric: string
  keys: string[]
  picture: Picture | null
  canvas: RefObject<HTMLCanvasElement | null>
  isLarge: boolean
  onTable: () => void
}): ReactElement {
  const { t } = useTranslation('charts')
  const toast = useToast()
  const palette = usePalette()
  const { names, settled, running, starts, groups, settings, change } = useScene()
  const at = keys.indexOf(metric)
  const move = useMove(metric, keys)

  async function savePng(): Promise<void> {
    if (canvas.current && picture) save(await png(canvas.current, metric, columnsOf(picture), palette), `${metric}.png`)
  }

  async function saveCsv(): Promise<void> {
    const ids = [...settled, ...running]
    const { x, from, to } = settings
    const count = groups ? Object.keys(groups).length : ids.length
    const wanted = { metric, starts, x, from, to, points: pointsFor(EXPORTED_POINTS, count) }
    const rows = groups
      ? bandRows(metric, await fetchBands(groups, wanted))
      : curveRows(metric, await fetchCurves(ids, wanted), names)
    save(csv(rows), `${metric}.csv`)
  }

  function told(act: Promise<void>): void {
    act.catch((error: Error) => toast(error.message, { kind: 'bad' }))
  }

  return (
    <Menu trigger={<IconButton icon="more" small label={t('panel.menu', { metric })} />}>
      <MenuItem icon="table" disabled={!picture} onSelect={onTable}>
        {t('panel.table')}
      </MenuItem>
      <MenuItem icon="download" disabled={!picture} onSelect={() => told(savePng())}>
        {t('panel.png')}
      </MenuItem>
      <MenuItem icon="download" disabled={!picture} onSelect={() => told(saveCsv())}>
        {t('panel.csv')}
      </MenuItem>
      {!isLarge && (
        <>
          <MenuLine />
          <MenuItem icon="chevronLeft" disabled={at <= 0} onSelect={() => move(at - 1)}>
            {t('panel.before')}
          </MenuItem>
          <MenuItem icon="chevronRight" disabled={at === keys.length - 1} onSelect={() => move(at + 1)}>
            {t('panel.after')}
          </MenuItem>
          <MenuItem icon="up" disabled={at <= 0} onSelect={() => move(0)}>
            {t('panel.first')}
          </MenuItem>
          <MenuLine />
          <MenuItem icon="eye" onSelect={() => change({ hide: [...settings.hide, metric] })}>
            {t('panel.hide')}
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
