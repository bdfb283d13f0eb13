/** Colours of numbers: viridis, even to the eye, and for those who see few colours (Smith & van der Walt 2015). */
const VIRIDIS: [number, number, number][] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
]

/** Return red, green and blue, 0 to 255, for a share of 0 to 1. */
export function ramp(share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1)
  const index = Math.min(VIRIDIS.length - 2, Math.floor(at))
  const [from, to] = [VIRIDIS[index]!, VIRIDIS[index + 1]!]
  return [0, 1, 2].map((each) => Math.round(from[each]! + (to[each]! - from[each]!) * (at - index))) as [
    number,
    number,
    number,
  ]
}

/** Return the colour of CSS for a share: nearer to the ink, so that both ends stand out from the surface. */
export function rampColor(share: number): string {
  return `color-mix(in oklab, rgb(${ramp(share).join(' ')}) 72%, var(--ink))`
}

const STOPS = VIRIDIS.map((_, index) => rampColor(index / (VIRIDIS.length - 1)))

export const RAMP = `linear-gradient(to right, ${STOPS.join(', ')})`
