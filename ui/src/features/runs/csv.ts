import { api, unwrap } from '@/api/client'
import { valueOf, type Run } from './columns'
import { bodyOf, type RunSource } from './data'
import { parts } from './filter'

const AT_ONCE = 2000

/** Write the runs of a source as CSV, some thousand at a time; `onProgress` hears how many are there. */
export async function toCsv(
  source: RunSource,
  columnIds: string[],
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const logged = columnIds.filter((id) => !['min', 'max', 'curve'].includes(parts(id)[0]))
  const header = ['attributes.run_id', ...logged.filter((id) => id !== 'attributes.run_id')]
  const lines = [header.map(quote).join(',')]
  let token: string | null | undefined
  do {
    const body = { ...bodyOf(source, 0, AT_ONCE), page_token: token ?? null }
    const page = await unwrap(api.POST('/api/v1/runs/search', { body, signal }))
    for (const run of page.items) lines.push(lineOf(run, header))
    token = page.next_page_token
    onProgress(lines.length - 1)
  } while (token)
  return new Blob([lines.join('\r\n'), '\r\n'], { type: 'text/csv' })
}

export function lineOf(run: Run, ids: string[]): string {
  return ids.map((id) => cell(valueOf(run, id) ?? '', id)).join(',')
}

function cell(value: string, id: string): string {
  const isNumber = parts(id)[0] === 'metrics' || id.endsWith('_time') || id === 'attributes.duration'
  // A spreadsheet would take such a text for a formula, and run it.
  return quote(!isNumber && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value)
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
