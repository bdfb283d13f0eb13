import { QueryClient } from '@tanstack/react-query'
import { ApiError } from './client'

const FINAL = 500
const RETRIES = 2

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What was refused stays refused; what failed may go better in a moment.
      retry: (count, error) =>
        count < RETRIES && !(error instanceof ApiError && error.status > 0 && error.status < FINAL),
      refetchOnWindowFocus: true,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})

const LIVE_MS = 700

/** How often what may change by itself is asked for again, in ms: `useQuery({ refetchInterval: live() })`. */
export function live(isLive = true): number | false {
  return isLive ? LIVE_MS : false
}
