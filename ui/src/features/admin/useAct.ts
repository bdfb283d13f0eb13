import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useToast } from '@/components/Toast'

/** Return what does something, says so, and has the lists under `keys` read again. What is refused is told as it is. */
export function useAct(...keys: string[]): (act: () => Promise<unknown>, done: string) => void {
  const toast = useToast()
  const queries = useQueryClient()
  const { mutate } = useMutation({
    mutationFn: ({ act }: { act: () => Promise<unknown>; done: string }) => act(),
    onSuccess: (_, { done }) => toast(done),
    onError: (error) => toast(error.message, { kind: 'bad' }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['admin', ...keys] }),
  })
  return (act, done) => mutate({ act, done })
}

export function field(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
