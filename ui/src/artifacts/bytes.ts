import { request } from '@/api/client'
import { filePath, type ArtifactSource } from './source'

/** Part of a file: its bytes, and how many the whole file has. */
export interface Part {
  bytes: Uint8Array<ArrayBuffer>
  size: number
}

const RANGE = /\/(?<size>\d+)$/

/** Return the bytes from `start` to before `end`. Throws ApiError. */
export async function readPart(
  source: ArtifactSource,
  path: string,
  start: number,
  end: number | '',
  signal?: AbortSignal,
): Promise<Part> {
  const range = `bytes=${start}-${end === '' ? '' : end - 1}`
  const answer = await request(filePath(source, path), { headers: { Range: range }, signal, cache: 'no-store' })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const told = RANGE.exec(answer.headers.get('content-range') ?? '')?.groups?.size
  return { bytes, size: told === undefined ? bytes.length : Number(told) }
}

/** Return the whole of a text file of up to `limit` bytes, null if it has more. Throws ApiError. */
export async function readText(
  source: ArtifactSource,
  path: string,
  size: number,
  limit: number,
  signal?: AbortSignal,
): Promise<string | null> {
  if (size > limit) return null
  const answer = await request(filePath(source, path), { signal })
  return answer.text()
}
