import { place } from './place'

/** What was looked at last in this project, newest first; kept by this browser alone. */
export interface Visited {
  kind: 'experiment' | 'run' | 'model' | 'item'
  /** Below `/-`, as the router has it. */
  path: string
  name: string
}

const KEPT = `mainspring.recent.${place.project ?? ''}`
const MOST = 12

export function recent(): Visited[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]')
    return Array.isArray(found) ? (found as Visited[]) : []
  } catch {
    // Somebody else's text under our name: begin again.
    return []
  }
}

/** Remember that a page was looked at: `noteVisit({ kind: 'run', path: `/runs/${id}`, name })`. */
export function noteVisit(visited: Visited): void {
  const others = recent().filter((each) => each.path !== visited.path)
  localStorage.setItem(KEPT, JSON.stringify([visited, ...others].slice(0, MOST)))
}
