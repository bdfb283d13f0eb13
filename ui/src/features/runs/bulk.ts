import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { useToast } from '@/components/Toast'

const AT_ONCE = 6

export interface Bulk {
  /** How far it is, null when nothing is being done. */
  progress: { done: number; all: number } | null
  remove: (ids: string[]) => Promise<void>
  restore: (ids: string[]) => Promise<void>
  tag: (ids: string[], key: string, value: string) => Promise<void>
}

/** Do things to many runs, some at a time, with a way back. */
export function useBulk(experimentId: string): Bulk {
  const { t } = useTranslation('runs')
  const toast = useToast()
  const client = useQueryClient()
  const [progress, setProgress] = useState<Bulk['progress']>(null)

  /** Do something to each; return those that it was done to. */
  async function each(ids: string[], act: (id: string) => Promise<unknown>): Promise<string[]> {
    const done: string[] = []
    const wrong: Error[] = []
    let next = 0
    async function work(): Promise<void> {
      for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
        try {
          await act(id)
          done.push(id)
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          wrong.push(error)
        }
        setProgress({ done: done.length + wrong.length, all: ids.length })
      }
    }
    setProgress({ done: 0, all: ids.length })
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    setProgress(null)
    if (wrong[0]) toast(t('bulk.failed', { count: wrong.length, reason: wrong[0].message }), { kind: 'bad' })
    await client.invalidateQueries({ queryKey: ['runs', experimentId] })
    return done
  }
  const path = (run_id: string) => ({ params: { path: { run_id } } })
  const undo = (run: () => Promise<unknown>) => ({ action: { label: t('bulk.undo'), run: () => void run() } })

  async function remove(ids: string[]): Promise<void> {
    const done = await each(ids, (id) => unwrap(api.DELETE('/api/v1/runs/{run_id}', path(id))))
    if (done.length > 0)
      toast(
        t('bulk.deleted', { count: done.length }),
        undo(() => restore(done)),
      )
  }
  async function restore(ids: string[]): Promise<void> {
    const done = await each(ids, (id) => unwrap(api.POST('/api/v1/runs/{run_id}/restore', path(id))))
    if (done.length > 0)
      toast(
        t('bulk.restored', { count: done.length }),
        undo(() => remove(done)),
      )
  }
  async function setTag(id: string, key: string, value: string): Promise<void> {
    const params = { path: { run_id: id, key } }
    await unwrap(api.PUT('/api/v1/runs/{run_id}/tags/{key}', { params, body: { value } }))
  }
  async function tag(ids: string[], key: string, value: string): Promise<void> {
    const before = new Map<string, string | undefined>()
    const done = await each(ids, async (id) => {
      before.set(id, (await unwrap(api.GET('/api/v1/runs/{run_id}', path(id)))).tags?.[key])
      await setTag(id, key, value)
    })
    const back = (id: string) => {
      const old = before.get(id)
      if (old !== undefined) return setTag(id, key, old)
      return unwrap(api.DELETE('/api/v1/runs/{run_id}/tags/{key}', { params: { path: { run_id: id, key } } }))
    }
    if (done.length > 0)
      toast(
        t('bulk.tagged', { count: done.length, key }),
        undo(() => each(done, back)),
      )
  }
  return { progress, remove, restore, tag }
}
