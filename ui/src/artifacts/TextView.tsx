import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { formatBytes } from '@/components/format'
import { Failed, Loading } from '@/components/Notice'
import { readPart, type Part } from './bytes'
import { isBinary, nameOf } from './kinds'
import { Lines } from './Lines'
import type { FileProps } from './source'
import { keyOf } from './source'
import { UnknownView } from './UnknownView'

const PART = 256 * 1024

/** A file as text, part by part; what turns out to be none is told, not shown. */
export function TextView({ source, path, size }: FileProps): ReactElement {
  const { t } = useTranslation(['artifacts', 'common'])
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['artifact text', keyOf(source), path, size],
    queryFn: ({ pageParam, signal }): Promise<Part> =>
      size === 0
        ? Promise.resolve({ bytes: new Uint8Array(), size: 0 })
        : readPart(source, path, pageParam, pageParam + PART, signal),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const read = all.reduce((sum, part) => sum + part.bytes.length, 0)
      return read < last.size && last.bytes.length > 0 ? read : undefined
    },
  })
  const read = data?.pages.reduce((sum, part) => sum + part.bytes.length, 0) ?? 0
  const lines = useMemo(() => linesOf(data?.pages ?? []), [data])
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  if (isBinary(data.pages[0]!.bytes)) return <UnknownView source={source} path={path} size={size} />
  const more = hasNextPage && (
    <>
      <span>{t('shownOf', { shown: formatBytes(read), size: formatBytes(size) })}</span>
      <Button small disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
        {t('common:loadMore')}
      </Button>
    </>
  )
  return <Lines label={nameOf(path)} lines={lines} tools={more} />
}

function linesOf(parts: Part[]): string[] {
  const decoder = new TextDecoder()
  const text = parts.map((part) => decoder.decode(part.bytes, { stream: true })).join('') + decoder.decode()
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
