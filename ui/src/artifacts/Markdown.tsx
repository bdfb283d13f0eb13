import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { api, unwrap } from '@/api/client'
import { Failed, Loading } from '@/components/Notice'
import { SafeHtml } from '@/components/SafeHtml'

/** Markdown that somebody wrote, rendered and made safe by the server. Relative links count from `base`. */
export function Markdown({ text, base }: { text: string; base?: string }): ReactElement {
  const { data, error, refetch } = useQuery({
    queryKey: ['markdown', base ?? null, text],
    queryFn: ({ signal }) => unwrap(api.POST('/api/v1/markdown', { body: { text, base }, signal })),
    staleTime: Infinity,
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  return data ? <SafeHtml html={data.html} /> : <Loading />
}
