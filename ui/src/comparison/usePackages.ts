import { useQueries } from '@tanstack/react-query'
import { address, api, request, unwrap } from '@/api/client'
import { place } from '@/api/place'
import type { Run } from '@/charts/data'
import { readPackages, type Packages } from './rows'

const MOST = 40
const REQUIREMENTS = 'requirements.txt'
const ENVIRONMENT = 'python_env.yaml'

/** The packages of runs that logged a model, of the first runs at most: they do not change. */
export function usePackages(runs: Run[]): Packages {
  const models = runs.slice(0, MOST).flatMap((run) => {
    const model = run.model_outputs?.at(-1)?.model_id
    return model ? [{ run: run.run_id, model }] : []
  })
  return useQueries({
    queries: models.map(({ run, model }) => ({
      queryKey: ['packages', model],
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchPackages(model, signal),
      staleTime: Infinity,
      select: (packages: Record<string, string>) => ({ run, packages }),
    })),
    combine: (answers) => new Map(answers.flatMap(({ data }) => (data ? [[data.run, data.packages] as const] : []))),
  })
}

async function fetchPackages(model: string, signal: AbortSignal): Promise<Record<string, string>> {
  const params = { path: { model_id: model } }
  const { items } = await unwrap(api.GET('/api/v1/logged-models/{model_id}/artifacts', { params, signal }))
  const read = async (name: string) => {
    if (!items.some(({ path }) => path === name)) return ''
    const path = address('logged-models', model, 'artifacts', name).slice(place.prefix.length)
    return (await request(path, { signal })).text()
  }
  const [requirements, environment] = await Promise.all([read(REQUIREMENTS), read(ENVIRONMENT)])
  return readPackages(requirements, environment)
}
