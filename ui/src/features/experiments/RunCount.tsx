import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { api, unwrap } from '@/api/client'
import { formatCount } from '@/components/format'

/** How many runs an experiment has, asked for while its row is in view. */
export function RunCount({ experimentId, isDeleted }: { experimentId: string; isDeleted: boolean }): ReactElement {
  const { data } = useQuery({
    queryKey: ['runs', experimentId, 'count of all', isDeleted],
    queryFn: async ({ signal }) => {
      const body = {
        experiment_ids: [experimentId],
        filter: '',
        // The runs of a deleted experiment are deleted with it.
        view_type: isDeleted ? ('ALL' as const) : ('ACTIVE_ONLY' as const),
        max_results: 1,
        columns: ['tags.mlflow.parentRunId'],
        offset: 0,
        count: true,
      }
      return (await unwrap(api.POST('/api/v1/runs/search', { body, signal }))).total
    },
    staleTime: 30_000,
  })
  return <span>{typeof data === 'number' ? formatCount(data) : '…'}</span>
}
