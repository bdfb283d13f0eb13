import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactElement, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import type { IconName } from '@/components/Icon'
import { Empty, Failed, Loading } from '@/components/Notice'
import { Heads, Table } from '@/components/Page'
import styles from './admin.module.css'

interface Page<T> {
  items: T[]
  next_page_token?: string | null
}

/** A list of the API as a table, more of it on demand; `empty` says what would be here; a head that is '' is that of actions. */
export function Listing<T>({
  label,
  queryKey,
  ask,
  heads,
  row,
  empty,
}: {
  label: string
  queryKey: readonly unknown[]
  ask: (token: string | undefined, signal: AbortSignal) => Promise<Page<T>>
  heads: ReactNode[]
  row: (item: T) => ReactElement
  empty: { icon: IconName; title: string; text: string }
}): ReactElement {
  const { t } = useTranslation()
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_page_token ?? undefined,
    placeholderData: (before) => before,
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  const items = data.pages.flatMap((page) => page.items)
  if (items.length === 0) {
    return (
      <Empty icon={empty.icon} title={empty.title}>
        <p>{empty.text}</p>
      </Empty>
    )
  }
  return (
    <>
      <Table label={label}>
        <Heads names={heads} />
        <tbody>{items.map(row)}</tbody>
      </Table>
      {hasNextPage && (
        <div className={styles.more}>
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('loadMore')}
          </Button>
        </div>
      )}
    </>
  )
}

/** What a part is about, and what can be done in it. */
export function Head({ text, children }: { text: string; children?: ReactNode }): ReactElement {
  return (
    <div className={styles.head}>
      <p>{text}</p>
      <div className={styles.row}>{children}</div>
    </div>
  )
}
