import type { Schemas } from '@/api/client'
import type { Sort } from './search'

export type Experiment = Schemas['Experiment']

/** A folder, or an experiment, as a row of the tree. */
export interface Row {
  /** The name as far as here: `vision/resnet`. */
  path: string
  /** Its last part. */
  name: string
  depth: number
  experiment?: Experiment
  /** Of a folder: how many experiments are in it, and in the folders in it. */
  inside: number
  updated: number
  isOpen: boolean
}

interface Folder {
  path: string
  folders: Map<string, Folder>
  experiments: Experiment[]
  inside: number
  updated: number
}

/** The rows of a tree of experiments by the slashes in their names; a folder of one alone is no folder. */
export function rowsOf(experiments: Experiment[], open: ReadonlySet<string>, isAllOpen: boolean, sort: Sort): Row[] {
  const root = folder('')
  for (const experiment of experiments) add(root, experiment)
  return rows(root, 0, open, isAllOpen, sort)
}

function folder(path: string): Folder {
  return { path, folders: new Map(), experiments: [], inside: 0, updated: 0 }
}

function add(root: Folder, experiment: Experiment): void {
  let at = root
  for (const part of experiment.name.split('/').slice(0, -1)) {
    const path = at === root ? part : `${at.path}/${part}`
    const next = at.folders.get(part) ?? folder(path)
    at.folders.set(part, next)
    at = next
    at.inside += 1
    at.updated = Math.max(at.updated, experiment.updated_at)
  }
  at.experiments.push(experiment)
}

function rows(at: Folder, depth: number, open: ReadonlySet<string>, isAllOpen: boolean, sort: Sort): Row[] {
  const folders = [...at.folders].map(([name, each]): Row & { of: Folder } => {
    const isOpen = isAllOpen || open.has(each.path)
    return { path: each.path, name, depth, inside: each.inside, updated: each.updated, isOpen, of: each }
  })
  const experiments = at.experiments.map((experiment): Row => {
    const name = experiment.name.slice(experiment.name.lastIndexOf('/') + 1) || experiment.name
    return { path: experiment.name, name, depth, experiment, inside: 0, updated: experiment.updated_at, isOpen: false }
  })
  const sorted = <R extends Row>(found: R[]) =>
    found.sort((one, other) => (sort === 'updated' ? other.updated - one.updated : one.name.localeCompare(other.name)))
  return [
    ...sorted(folders).flatMap(({ of, ...row }) => [
      row,
      ...(row.isOpen ? rows(of, depth + 1, open, isAllOpen, sort) : []),
    ]),
    ...sorted(experiments),
  ]
}
