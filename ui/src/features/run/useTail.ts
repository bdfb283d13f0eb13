import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react'
import { live } from '@/api/query'
import { readPart } from '@/artifacts/bytes'
import { type ArtifactSource } from '@/artifacts/source'

const TAIL = 128 * 1024

interface Kept {
  bytes: Uint8Array
  /** Which byte of the file the first one is. */
  start: number
}

export interface Tail {
  lines: string[]
  /** How many bytes before these are not shown. */
  skipped: number
  error: Error | null
  isPaused: boolean
  toggle: () => void
  retry: () => void
  loadBefore: () => void
}

/** The end of a log, of one for as long as what uses this lives. While it is `growing` what comes is added, asked for from where the last answer ended. */
export function useTail(source: ArtifactSource, path: string, growing: boolean): Tail {
  const [kept, setKept] = useState<Kept | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [isPaused, toggle] = useReducer((before: boolean) => !before, false)
  const latest = useRef<Kept | null>(null)
  const from = useRef(source)
  useEffect(() => {
    from.current = source
    latest.current = kept
  })

  const read = useCallback(
    async (signal?: AbortSignal) => {
      try {
        const next = await readMore(from.current, path, latest.current, signal)
        if (signal?.aborted) return
        if (next !== latest.current) setKept(next)
        setError(null)
      } catch (caught) {
        if (!signal?.aborted) setError(caught as Error)
      }
    },
    [path],
  )

  useEffect(() => {
    const ended = new AbortController()
    void read(ended.signal)
    return () => ended.abort()
  }, [read])

  useEffect(() => {
    if (!growing || isPaused) return
    const ended = new AbortController()
    let isBusy = false
    const timer = setInterval(() => {
      if (isBusy || document.hidden) return
      isBusy = true
      void read(ended.signal).finally(() => {
        isBusy = false
      })
    }, live() || undefined)
    return () => {
      clearInterval(timer)
      ended.abort()
    }
  }, [growing, isPaused, read])

  const loadBefore = useCallback(async () => {
    const now = latest.current
    if (!now || now.start === 0) return
    const start = Math.max(0, now.start - 8 * TAIL)
    const { bytes } = await readPart(from.current, path, start, now.start)
    setKept({ bytes: joined(bytes, now.bytes), start })
  }, [path])

  const lines = useMemo(() => linesOf(kept), [kept])
  return {
    lines,
    skipped: kept?.start ?? 0,
    error,
    isPaused,
    toggle,
    retry: () => void read(),
    loadBefore: () => void loadBefore(),
  }
}

async function readMore(
  source: ArtifactSource,
  path: string,
  kept: Kept | null,
  signal?: AbortSignal,
): Promise<Kept | null> {
  if (!kept || kept.bytes.length === 0) {
    const { size } = await readPart(source, path, 0, 1, signal)
    const start = Math.max(0, size - TAIL)
    const { bytes } = size === 0 ? { bytes: new Uint8Array() } : await readPart(source, path, start, '', signal)
    return { bytes, start }
  }
  // From the last byte that is known: so there is always one to be had, and one sees if the file is another.
  const end = kept.start + kept.bytes.length
  const { bytes, size } = await readPart(source, path, end - 1, '', signal)
  if (size < end || bytes[0] !== kept.bytes.at(-1)) return readMore(source, path, null, signal)
  return bytes.length > 1 ? { bytes: joined(kept.bytes, bytes.subarray(1)), start: kept.start } : kept
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const all = new Uint8Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}

function linesOf(kept: Kept | null): string[] {
  if (!kept) return []
  // What writes over its line, a bar of progress say, leaves the last that it wrote.
  const lines = new TextDecoder()
    .decode(kept.bytes)
    .split(/\r?\n/)
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
  if (lines.at(-1) === '') lines.pop()
  // The first line may be the end of one.
  return kept.start > 0 ? lines.slice(1) : lines
}
