import type { Run } from '@/charts/data'
import { isSystem } from './fields'

/** The table of what runs are: a row for each param, metric, tag and part of the environment. */
export interface Row {
  section: SectionName
  name: string
  values: (string | number | null)[]
  isChanged: boolean
}

export const SECTIONS = ['run', 'params', 'metrics', 'tags', 'environment'] as const
export type SectionName = (typeof SECTIONS)[number]

/** Tags that say where a run comes from; other tags of MLflow's own are not for reading. */
const ENVIRONMENT: Record<string, string> = {
  'mlflow.user': 'user',
  'mlflow.source.name': 'source',
  'mlflow.source.type': 'source type',
  'mlflow.source.git.commit': 'git commit',
  'mlflow.source.git.branch': 'git branch',
  'mlflow.source.git.repoURL': 'git repository',
  'mlflow.project.entryPoint': 'entry point',
  'mlflow.docker.image.uri': 'Docker image',
}
const OWN = 'mlflow.'

export type Packages = Map<string, Record<string, string>>

/** Return all rows by section. `packages` are those of a run's environment, where known. */
export function makeRows(runs: Run[], packages: Packages = new Map()): Row[] {
  const tags = runs.map((run) => Object.entries(run.tags ?? {}))
  const table: Record<SectionName, Record<string, string | number>[]> = {
    run: runs.map((run) => ({ status: run.status, experiment: run.experiment_id, user: run.user_id })),
    params: runs.map((run) => run.params ?? {}),
    metrics: runs.map((run) => Object.fromEntries(run.metrics?.map(({ key, value }) => [key, Number(value)]) ?? [])),
    tags: tags.map((all) => Object.fromEntries(all.filter(([key]) => !key.startsWith(OWN)))),
    environment: runs.map((run, index) => ({
      ...Object.fromEntries(
        tags[index]!.flatMap(([key, value]) => (ENVIRONMENT[key] ? [[ENVIRONMENT[key], value]] : [])),
      ),
      ...Object.fromEntries((run.datasets ?? []).map(({ dataset }) => [`dataset ${dataset.name}`, dataset.digest])),
      ...packages.get(run.run_id),
    })),
  }
  return SECTIONS.flatMap((section) => rowsOf(section, table[section]))
}

function rowsOf(section: SectionName, columns: Record<string, string | number>[]): Row[] {
  const names = [...new Set(columns.flatMap((column) => Object.keys(column)))]
  const sorted =
    section === 'run'
      ? names
      : names.sort((a, b) => +isSystem(a) - +isSystem(b) || a.localeCompare(b, 'en', { numeric: true }))
  return sorted.map((name) => {
    const values = columns.map((column) => column[name] ?? null)
    return { section, name, values, isChanged: new Set(values.map(String)).size > 1 }
  })
}

/** Return the packages that a requirements.txt pins, and the Python that a python_env.yaml names. */
export function readPackages(requirements: string, environment: string): Record<string, string> {
  const pins = requirements
    .split('\n')
    .flatMap((line) => [/^\s*([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;#]+)/.exec(line)])
    .flatMap((found) => (found ? [[found[1]!.toLowerCase(), found[2]!]] : []))
  const python = /^python:\s*['"]?([\d.]+)/m.exec(environment)?.[1]
  return { ...(python && { Python: python }), ...(Object.fromEntries(pins) as Record<string, string>) }
}
