import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError } from '@/api/client'
import { keyOf, listFolder, type ArtifactSource } from './source'
import type { Folder } from './tree'

const EMPTY: Folder = { items: [], next: null, isLoading: true, error: null }

/** The folders that have been asked for; `load` asks for the first page of one, or for the next. */
export function useFolders(source: ArtifactSource): {
  folders: ReadonlyMap<string, Folder>
  load: (path: string) => void
  reload: () => void
} {
  const [folders, setFolders] = useState<ReadonlyMap<string, Folder>>(new Map())
  // What is under way or has come, without waiting for React: nothing is asked for twice.
  const known = useRef(new Map<string, Folder>())
  const whose = keyOf(source)
  const latest = useRef(source)
  useEffect(() => {
    latest.current = source
  })

  const load = useCallback((path: string) => {
    const before = known.current.get(path)
    if (before && (before.isLoading || (before.next === null && !before.error))) return
    const put = (folder: Folder) => {
      known.current.set(path, folder)
      setFolders(new Map(known.current))
    }
    const kept = before ?? EMPTY
    const begun = known.current
    put({ ...kept, isLoading: true, error: null })
    listFolder(latest.current, path, kept.next).then(
      (page) => {
        // The tree may be another by now.
        if (begun !== known.current) return
        put({
          items: [...kept.items, ...page.items],
          next: page.next_page_token ?? null,
          isLoading: false,
          error: null,
        })
      },
      (error: unknown) => {
        if (begun !== known.current) return
        put({ ...kept, isLoading: false, error: error instanceof Error ? error : new ApiError(0) })
      },
    )
  }, [])

  const reload = useCallback(() => {
    const begun = known.current
    for (const path of begun.keys()) {
      listFolder(latest.current, path).then(
        (page) => {
          if (begun !== known.current) return
          begun.set(path, { items: page.items, next: page.next_page_token ?? null, isLoading: false, error: null })
          setFolders(new Map(begun))
        },
        // What was there stays; the page says by itself that the server is away.
        () => undefined,
      )
    }
  }, [])

  useEffect(() => {
    known.current = new Map()
    load('')
  }, [whose, load])

  return { folders, load, reload }
}
