import { useQuery } from '@tanstack/react-query'
import { api, unwrap, type Schemas } from './client'

export type Permission = Schemas['Permission']
export type Me = Schemas['WhoAmI']

/** Who looks at the page, and what they may do in its project. */
export function useMe(): Me | undefined {
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/auth/me', { signal })),
    staleTime: 60_000,
  }).data
}

/** Whether who looks may do something here; false until that is known. */
export function useMay(permission: Permission): boolean {
  return useMe()?.permissions.includes(permission) ?? false
}
