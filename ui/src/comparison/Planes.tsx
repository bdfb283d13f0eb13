import { useEffect, useMemo, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Run } from '@/charts/data'
import { axisNumber } from '@/charts/words'
import { ColorKey, colorsOf } from './colouring'
import styles from './comparison.module.css'
import { makeScale, rounds, type Field } from './fields'
import { Pick } from './Pick'
import { PictureTable } from './PictureTable'
import { INSET, MARGIN, Plane, placesOn, PLANE_HEIGHT, type Dot } from './Plane'
import { ramp } from './ramp'
import type { ChangeCompare, CompareSettings } from './settings'
import { isoline, makeSurface, type Point } from './surface'
import { useWidth } from './useWidth'

const GRID_WIDTH = 96
const GRID_HEIGHT = 64
const LEAST_POINTS = 3

interface Props {
  runs: Run[]
  fields: Field[]
  settings: CompareSettings
  change: ChangeCompare
}

/** Runs as points over two params or metrics, coloured by a third. */
export function Scatter(props: Props): ReactElement {
  return <TwoFields {...props} isContour={false} />
}

/** A metric as a landscape over two params, worked out from the runs that there are. */
export function Contour(props: Props): ReactElement {
  return <TwoFields {...props} isContour />
}

function TwoFields({ runs, fields: all, settings, change, isContour }: Props & { isContour: boolean }): ReactElement {
  const { t } = useTranslation('compare')
  const [holder, width] = useWidth<HTMLDivElement>()
  const fields = useMemo(() => (isContour ? all.filter(({ isNumeric }) => isNumeric) : all), [all, isContour])
  const [x, y, color] = useMemo(() => chooseFields(fields, settings, isContour), [fields, settings, isContour])
  const scaleX = useMemo(() => x && makeScale(x), [x])
  const scaleY = useMemo(() => y && makeScale(y), [y])
  const dots = useMemo<Dot[]>(() => {
    const colors = colorsOf(color)
    return runs.flatMap((_, run) => {
      const [placeX, placeY] = [scaleX?.place(x?.values[run] ?? null), scaleY?.place(y?.values[run] ?? null)]
      if (typeof placeX !== 'number' || typeof placeY !== 'number') return []
      return [{ run, x: placeX, y: placeY, color: colors[run] ?? null }]
    })
  }, [runs, x, y, color, scaleX, scaleY])
  const hasEnough = !isContour || dots.filter(({ color }) => color).length >= LEAST_POINTS
  return (
    <div className={styles.stack}>
      <div className={styles.bar}>
        <Pick label="x" fields={fields} value={x?.id} onChange={(id) => change({ x: id })} />
        <Pick label="y" fields={fields} value={y?.id} onChange={(id) => change({ y: id })} />
        <Pick
          label={t('color')}
          fields={fields}
          value={color?.id}
          none={isContour ? undefined : t('byRun')}
          onChange={(id) => change({ color: id || 'run' })}
        />
        <span className={styles.grow} />
        <ColorKey field={color} />
      </div>
      <div ref={holder} className={styles.picture}>
        {x && y && scaleX && scaleY && hasEnough ? (
          <Plane
            {...{ runs, dots, x, y, color, scaleX, scaleY, width }}
            title={t(isContour ? 'parts.contour' : 'parts.scatter')}
            behind={isContour && color && <Landscape dots={dots} field={color} width={width} />}
          />
        ) : (
          <p className={styles.nothing}>{t(isContour ? 'tooFewNumbers' : 'tooFew')}</p>
        )}
      </div>
      {x && y && (
        <PictureTable
          runs={runs}
          indexes={dots.map(({ run }) => run)}
          fields={[...new Set([x, y, color])].filter((each) => each !== undefined)}
        />
      )}
    </div>
  )
}

type Chosen = [Field | undefined, Field | undefined, Field | undefined]

function chooseFields(fields: Field[], settings: CompareSettings, isContour: boolean): Chosen {
  const named = (id: string | undefined) => fields.find((field) => field.id === id)
  const varied = fields.filter(({ isVaried }) => isVaried)
  const params = varied.filter(({ kind, isNumeric }) => kind === 'params' && isNumeric)
  const metrics = varied.filter(({ kind }) => kind === 'metrics')
  const x = named(settings.x) ?? params[0] ?? varied[0] ?? fields[0]
  const second = isContour ? [...params, ...varied] : [...metrics, ...varied]
  const y = named(settings.y) ?? second.find((field) => field !== x) ?? x
  if (settings.color === 'run' && !isContour) return [x, y, undefined]
  return [x, y, named(settings.color) ?? metrics.find((field) => field !== y && field !== x) ?? metrics[0]]
}

/** The heights between the points as colours, with lines of equal height. */
function Landscape({ dots, field, width }: { dots: Dot[]; field: Field; width: number }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { surface, low, high } = useMemo(() => landscape(dots, field), [dots, field])
  const levels = high > low ? rounds(low, high) : []
  const [across, down] = [width - MARGIN.left - MARGIN.right, PLANE_HEIGHT - MARGIN.top - MARGIN.bottom]
  const [toX, toY] = placesOn(width)

  useEffect(() => {
    const ctx = canvas.current!.getContext('2d')!
    const image = ctx.createImageData(GRID_WIDTH, GRID_HEIGHT)
    for (const [index, height] of surface.heights.entries()) {
      // The first row of the surface is the lowest, that of a picture the uppermost.
      const row = GRID_HEIGHT - 1 - Math.floor(index / GRID_WIDTH)
      const at = (row * GRID_WIDTH + (index % GRID_WIDTH)) * 4
      image.data.set([...ramp(high > low ? (height - low) / (high - low) : 0.5), 255], at)
    }
    ctx.putImageData(image, 0, 0)
  }, [surface, low, high])

  return (
    <>
      <canvas
        ref={canvas}
        className={styles.heat}
        width={GRID_WIDTH}
        height={GRID_HEIGHT}
        style={{ left: MARGIN.left, top: MARGIN.top, width: across, height: down }}
        aria-hidden="true"
      />
      <svg className={styles.isolines} width={width} height={PLANE_HEIGHT} aria-hidden="true">
        {levels.map((level) => {
          const lines = isoline(surface, level)
          const place = (x: number, y: number) => `${toX(unset(x))},${toY(unset(y))}`
          const middle = lines[Math.floor(lines.length / 2)]
          return (
            <g key={level}>
              <path d={lines.map(([x0, y0, x1, y1]) => `M${place(x0, y0)}L${place(x1, y1)}`).join('')} />
              {middle && (
                <text x={toX(unset(middle[0]))} y={toY(unset(middle[1]))}>
                  {axisNumber(level)}
                </text>
              )}
            </g>
          )
        })}
      </svg>
    </>
  )
}

/** The surface covers the frame, whose scales are a little within it. */
const unset = (share: number) => (share - INSET) / (1 - 2 * INSET)
const inset = (share: number) => INSET + share * (1 - 2 * INSET)

function landscape(dots: Dot[], field: Field) {
  const points = dots.flatMap(({ run, x, y }): Point[] => {
    const z = field.values[run]
    return typeof z === 'number' && Math.abs(z) < Number.MAX_VALUE ? [{ x: inset(x), y: inset(y), z }] : []
  })
  const heights = points.map(({ z }) => z)
  return {
    surface: makeSurface(points, GRID_WIDTH, GRID_HEIGHT),
    low: Math.min(...heights),
    high: Math.max(...heights),
  }
}
