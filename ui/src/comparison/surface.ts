/** A surface through scattered points, and the lines of equal height on it. */
export interface Point {
  x: number
  y: number
  z: number
}

export interface Surface {
  width: number
  height: number
  /** Row by row, the first at y = 0. */
  heights: Float64Array
}

const POWER = 3

/** Interpolate by inverse distances (Shepard 1968) on a grid over [0, 1]². */
export function makeSurface(points: Point[], width: number, height: number): Surface {
  const heights = new Float64Array(width * height)
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      heights[row * width + column] = heightAt(points, column / (width - 1), row / (height - 1))
    }
  }
  return { width, height, heights }
}

function heightAt(points: Point[], x: number, y: number): number {
  let sum = 0
  let weights = 0
  for (const point of points) {
    const weight = 1 / (Math.hypot(point.x - x, point.y - y) ** POWER + 1e-9)
    sum += weight * point.z
    weights += weight
  }
  return sum / weights
}

type Segment = [number, number, number, number]

/** Return the segments of the line of one height (marching squares), in shares of the surface. */
export function isoline({ width, height, heights }: Surface, level: number): Segment[] {
  const segments: Segment[] = []
  for (let row = 0; row < height - 1; row += 1) {
    for (let column = 0; column < width - 1; column += 1) {
      const at = row * width + column
      const [a, b, c, d] = [heights[at]!, heights[at + 1]!, heights[at + width + 1]!, heights[at + width]!]
      const crossings: [number, number][] = []
      const cross = (from: number, to: number, point: (share: number) => [number, number]) => {
        if (from < level !== to < level) crossings.push(point((level - from) / (to - from)))
      }
      cross(a, b, (share) => [column + share, row])
      cross(b, c, (share) => [column + 1, row + share])
      cross(d, c, (share) => [column + share, row + 1])
      cross(a, d, (share) => [column, row + share])
      for (let each = 0; each + 1 < crossings.length; each += 2) {
        const [from, to] = [crossings[each]!, crossings[each + 1]!]
        segments.push([from[0] / (width - 1), from[1] / (height - 1), to[0] / (width - 1), to[1] / (height - 1)])
      }
    }
  }
  return segments
}
