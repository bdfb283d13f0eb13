import { useQueryClient } from '@tanstack/react-query'
import { ApiError } from '@/api/client'
import { useToast } from '@/components/Toast'

/** Do something to a run, look at it again, and say what went wrong, if it did. Returns whether it was done. */
export function useChange(runId: string): (act: () => Promise<unknown>) => Promise<boolean> {
  const queries = useQueryClient()
  const toast = useToast()
  return async (act) => {
    try {
      await act()
      await queries.invalidateQueries({ queryKey: ['run', runId] })
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      toast(error.message, { kind: 'bad' })
      return false
    }
  }
}
