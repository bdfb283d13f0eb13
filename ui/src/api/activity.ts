import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { api, unwrap, type Schemas } from './client'
import { useMay } from './me'
import { live } from './query'

type Experiment = Schemas['Experiment']
type Run = Schemas['Run']

const NEWEST = 200

/** The experiments that changed last, newest first: enough for what happens now. */
export function useNewestExperiments(): UseQueryResult<Experiment[]> {
  const mayRead = useMay('tracking:read')
  return useQuery({
    queryKey: ['experiments', 'newest'],
    enabled: mayRead,
    queryFn: async ({ signal }) => {
      const query = { max_results: NEWEST, order_by: ['last_update_time DESC'] }
      return (await unwrap(api.GET('/api/v1/experiments', { params: { query }, signal }))).items
    },
    refetchInterval: 5000,
  })
}

/** Runs of these experiments that fit a filter, newest first; asked for again while `isLive`. */
export function useNewestRuns(filter: string, most: number, isLive = false): UseQueryResult<Run[]> {
  const { data: experiments } = useNewestExperiments()
  const ids = experiments?.map((each) => each.experiment_id) ?? []
  return useQuery({
    queryKey: ['runs', 'newest', filter, most, ids],
    enabled: experiments !== undefined,
    queryFn: async ({ signal }) => {
      const shown = { max_results: most, order_by: ['start_time DESC'], columns: COLUMNS, offset: 0, count: false }
      const body = { experiment_ids: ids, filter, ...shown }
      return (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).items
    },
    placeholderData: (before) => before,
    refetchInterval: live(isLive),
  })
}

/** Of what was logged, only what the lists show. */
const COLUMNS = ['tags.mlflow.source.name']
