import { useMemo, useRef, useState, type PointerEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import land from 'world-atlas/land-110m.json'
import styles from './map.module.css'
import type { StacItem } from './stac'

const SCALE = 4
const WIDTH = 360 * SCALE
const HEIGHT = 180 * SCALE
const LEAST = 1

type Box = [number, number, number, number]

/** Where items are, on a plain map in degrees (EPSG:4326). A box is drawn by the pointer; fields do the same elsewhere. */
export default function WorldMap({
  items,
  box,
  onBox,
  view = [-180, -90, 180, 90],
}: {
  items: StacItem[]
  box?: Box
  onBox?: (box: Box) => void
  view?: Box
}): ReactElement {
  const { t } = useTranslation('catalog')
  const svg = useRef<SVGSVGElement>(null)
  const [drawn, setDrawn] = useState<Box | null>(null)
  const outline = useMemo(() => outlineOfLand(), [])
  const [west, south, east, north] = view
  const size = [x(west), y(north), (east - west) * SCALE, (north - south) * SCALE]

  function degrees(event: PointerEvent): [number, number] {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.current!.getScreenCTM()!.inverse())
    return [clamp(place.x / SCALE - 180, 180), clamp(90 - place.y / SCALE, 90)]
  }

  function begin(event: PointerEvent): void {
    if (!onBox) return
    const [longitude, latitude] = degrees(event)
    event.currentTarget.setPointerCapture(event.pointerId)
    setDrawn([longitude, latitude, longitude, latitude])
  }

  function move(event: PointerEvent): void {
    if (drawn) setDrawn([drawn[0], drawn[1], ...degrees(event)])
  }

  function end(): void {
    if (drawn && Math.abs(drawn[2] - drawn[0]) > LEAST && Math.abs(drawn[3] - drawn[1]) > LEAST) onBox?.(ordered(drawn))
    setDrawn(null)
  }

  return (
    <svg
      ref={svg}
      role="img"
      aria-label={t('map.label', { count: items.length })}
      className={`${styles.map} ${onBox ? styles.draws : ''}`}
      viewBox={size.join(' ')}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={() => setDrawn(null)}
    >
      <path d={outline} className={styles.land} />
      {items.flatMap((item) =>
        boxesOf(item).map((each, index) => (
          <Rectangle key={`${item.collection}/${item.id}/${index}`} box={each} look={styles.item!} />
        )),
      )}
      {box && !drawn && <Rectangle box={box} look={styles.asked!} />}
      {drawn && <Rectangle box={ordered(drawn)} look={styles.asked!} />}
    </svg>
  )
}

function Rectangle({ box: [west, south, east, north], look }: { box: Box; look: string }): ReactElement {
  // A point has no size: it is drawn as large as can be seen.
  const width = Math.max((east - west) * SCALE, 6)
  const height = Math.max((north - south) * SCALE, 6)
  return <rect className={look} x={x(west)} y={y(north)} width={width} height={height} rx={2} />
}

/** The boxes of an item: two where it crosses the antimeridian. */
function boxesOf({ bbox }: StacItem): Box[] {
  if (!bbox || bbox.length < 4) return []
  const [west, south, east, north] = (bbox.length === 6 ? [bbox[0], bbox[1], bbox[3], bbox[4]] : bbox) as Box
  if (west <= east) return [[west, south, east, north]]
  return [
    [west, south, 180, north],
    [-180, south, east, north],
  ]
}

function outlineOfLand(): string {
  const topology = land as unknown as Topology<{ land: GeometryCollection }>
  const found = feature(topology, topology.objects.land)
  const polygons = found.features.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return [geometry.coordinates]
    return geometry.type === 'MultiPolygon' ? geometry.coordinates : []
  })
  return polygons.flat().map(outlineOfRing).join('')
}

/** A ring as a path; where it goes round the back of the world it begins again on the other side. */
function outlineOfRing(ring: number[][]): string {
  return ring
    .map(([longitude, latitude], index) => {
      const before = ring[index - 1]
      const isNew = !before || Math.abs(longitude! - before[0]!) > 180
      return `${isNew ? 'M' : 'L'}${x(longitude!)},${y(latitude!)}`
    })
    .join('')
}

function x(longitude: number): number {
  return Math.min(WIDTH, Math.round((longitude + 180) * SCALE * 10) / 10)
}

function y(latitude: number): number {
  return Math.min(HEIGHT, Math.round((90 - latitude) * SCALE * 10) / 10)
}

function clamp(value: number, most: number): number {
  return Math.round(Math.max(-most, Math.min(most, value)) * 100) / 100
}

function ordered([a, b, c, d]: Box): Box {
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]
}
