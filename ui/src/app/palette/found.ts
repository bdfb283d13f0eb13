import { queryOptions } from '@tanstack/react-query'
import { api, request, unwrap } from '@/api/client'
import { nameHas } from '@/api/filter'
import { projectAddress } from '@/api/place'
import type { IconName } from '@/components/Icon'

/** One thing that the palette leads to: a page of this project (`to`), or of another one (`href`). */
export interface Target {
  id: string
  icon: IconName
  name: string
  beside?: string
  to?: string
  href?: string
  run?: () => void
}

const EACH = 6
const RUN_ID = /^[0-9a-f]{32}$/

interface Item {
  id: string
  collection: string
  properties: { title?: string }
}

/** What the project has under a name, kind by kind. */
export function findTargets(words: string) {
  const wanted = words.trim()
  return queryOptions({
    queryKey: ['palette', wanted],
    enabled: wanted.length > 0,
    queryFn: async ({ signal }): Promise<Target[]> => {
      const all = [findRun(wanted), findExperiments(wanted, signal), findModels(wanted, signal)]
      all.push(findItems(wanted, signal), findProjects(wanted, signal))
      // One kind that cannot be searched, for want of a right say, leaves the others.
      const found = await Promise.allSettled(all)
      return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    },
  })
}

function findRun(wanted: string): Promise<Target[]> {
  const isRun = RUN_ID.test(wanted)
  return Promise.resolve(isRun ? [{ id: `run-${wanted}`, icon: 'play', name: wanted, to: `/runs/${wanted}` }] : [])
}

async function findExperiments(wanted: string, signal: AbortSignal): Promise<Target[]> {
  const query = { filter: nameHas(wanted), max_results: EACH }
  const { items } = await unwrap(api.GET('/api/v1/experiments', { params: { query }, signal }))
  return items.map(({ experiment_id: id, name }) => ({
    id: `experiment-${id}`,
    icon: 'experiments',
    name,
    to: `/experiments/${id}`,
  }))
}

async function findModels(wanted: string, signal: AbortSignal): Promise<Target[]> {
  const query = { filter: nameHas(wanted), max_results: EACH }
  const { items } = await unwrap(api.GET('/api/v1/models', { params: { query }, signal }))
  const path = (name: string) => `/models/${encodeURIComponent(name)}`
  return items.map(({ name }) => ({ id: `model-${name}`, icon: 'models', name, to: path(name) }))
}

async function findItems(wanted: string, signal: AbortSignal): Promise<Target[]> {
  const answer = await request(`/api/v1/stac/search?limit=${EACH}&q=${encodeURIComponent(wanted)}`, { signal })
  const { features } = (await answer.json()) as { features: Item[] }
  return features.map(({ id, collection, properties }) => ({
    id: `item-${collection}-${id}`,
    icon: 'catalog',
    name: properties.title ?? id,
    beside: collection,
    to: `/catalog/${collection}/${id}`,
  }))
}

async function findProjects(wanted: string, signal: AbortSignal): Promise<Target[]> {
  const query = { text: wanted, max_results: EACH }
  const { items } = await unwrap(api.GET('/api/v1/projects', { params: { query }, signal }))
  return items.map(({ path }) => ({ id: `project-${path}`, icon: 'folder', name: path, href: projectAddress(path) }))
}
