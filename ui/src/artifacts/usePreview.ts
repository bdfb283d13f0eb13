import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { request } from '@/api/client'
import { keyOf, previewPath, type ArtifactSource, type Preview } from './source'

/** What the server shows of a file; of a table the page of a token. */
export function usePreview(
  source: ArtifactSource,
  path: string,
  pageToken: string | null = null,
): UseQueryResult<Preview> {
  return useQuery({
    queryKey: ['artifact preview', keyOf(source), path, pageToken],
    queryFn: async ({ signal }) => {
      const answer = await request(previewPath(source, path, pageToken), { signal })
      return (await answer.json()) as Preview
    },
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  })
}
