import { folderOf } from './kinds'
import type { Artifact } from './source'

/** What is known of a folder: what of it has come, and how to go on. */
export interface Folder {
  items: Artifact[]
  next: string | null
  isLoading: boolean
  error: Error | null
}

/** A line of the tree. `more` stands for what of a folder has not come yet. */
export interface Line {
  path: string
  level: number
  kind: 'file' | 'folder' | 'more' | 'failed'
  size: number | null
  /** Its place among what lies beside it, from 1. */
  place: number
  /** How many lie beside it, -1 where that is not known yet. */
  count: number
}

/** The lines of a tree, from the top, as far as its folders are open. */
export function linesOf(folders: ReadonlyMap<string, Folder>, open: ReadonlySet<string>): Line[] {
  const lines: Line[] = []
  function add(path: string, level: number): void {
    const folder = folders.get(path)
    if (!folder) return
    const count = folder.next === null && !folder.isLoading ? folder.items.length : -1
    folder.items.forEach((item, index) => {
      const kind = item.is_dir ? 'folder' : 'file'
      lines.push({ path: item.path, level, kind, size: item.size, place: index + 1, count })
      if (item.is_dir && open.has(item.path)) add(item.path, level + 1)
    })
    const rest = folder.error ? 'failed' : folder.next !== null || folder.isLoading ? 'more' : null
    if (rest) lines.push({ path, level, kind: rest, size: null, place: folder.items.length + 1, count })
  }
  add('', 1)
  return lines
}

/** All folders that a path lies in, from the top, without the top itself. */
export function foldersAbove(path: string): string[] {
  const above: string[] = []
  for (let folder = folderOf(path); folder; folder = folderOf(folder)) above.unshift(folder)
  return above
}

/** Where a key leads from a line: to another line, or to open or close a folder. */
export function step(
  key: string,
  at: number,
  lines: readonly Line[],
  open: ReadonlySet<string>,
): { to: number } | { toggle: string } | null {
  const line = lines[at]
  const last = lines.length - 1
  if (!line) return last >= 0 ? { to: 0 } : null
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(last, at + 1) }
    case 'ArrowUp':
      return { to: Math.max(0, at - 1) }
    case 'Home':
      return { to: 0 }
    case 'End':
      return { to: last }
    case 'ArrowRight':
      if (line.kind !== 'folder') return null
      return open.has(line.path) ? { to: Math.min(last, at + 1) } : { toggle: line.path }
    case 'ArrowLeft': {
      if (line.kind === 'folder' && open.has(line.path)) return { toggle: line.path }
      const above = lines.findIndex((each) => each.kind === 'folder' && each.path === folderOf(line.path))
      return above >= 0 ? { to: above } : null
    }
    default:
      return null
  }
}

/** The next line whose name begins with what was typed, from behind `at` on and around. */
export function typedTo(typed: string, at: number, lines: readonly Line[]): number {
  const begins = (line: Line) =>
    line.path
      .slice(line.path.lastIndexOf('/') + 1)
      .toLowerCase()
      .startsWith(typed) &&
    (line.kind === 'file' || line.kind === 'folder')
  for (let move = typed.length > 1 ? 0 : 1; move <= lines.length; move++) {
    const index = (at + move) % lines.length
    if (begins(lines[index]!)) return index
  }
  return -1
}
