import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { canSort, gridColumns, NAME, shownColumns, type RunColumns } from './columns'
import type { ColumnActions } from './ColumnMenu'
import { added, parts } from './filter'
import type { RunsSearch } from './search'
import type { GridColumn } from '@/grid/column'

export type SetSearch = (patch: Partial<RunsSearch>, replace?: boolean) => void

/** The title of a column, in words where it is not a key of the user's own. */
export function useTitle(): (id: string) => string {
  const { t } = useTranslation('runs')
  return useMemo(
    () => (id) => {
      const [kind, key] = parts(id)
      if (kind === 'attributes') return t(`attributes.${key as 'status'}`, { defaultValue: key })
      if (kind === 'min' || kind === 'max' || kind === 'curve') return t(`columns.titles.${kind}`, { name: key })
      return key
    },
    [t],
  )
}

export interface TableColumns {
  ids: string[]
  columns: GridColumn[]
  actions: ColumnActions
}

/** The columns as the address has them, and what changes them there. */
export function useTableColumns(search: RunsSearch, known: RunColumns | undefined, setSearch: SetSearch): TableColumns {
  const title = useTitle()
  const { cols, pin, w, sort, q = '' } = search
  return useMemo(() => {
    const own = { cols, pin, w, sort }
    const ids = shownColumns(own, known)
    const pinned = pin ?? []
    const actions: ColumnActions = {
      ids,
      pinned,
      sort: (next) => setSearch({ sort: next && canSort(next.replace(/^-/, '')) ? next : undefined }),
      show: (next) => setSearch({ cols: next.filter((id) => id !== NAME) }),
      pin: (id, isPinned) => {
        const next = pinned.filter((each) => each !== id)
        if (isPinned) next.push(id)
        setSearch({ pin: next.length > 0 ? next : undefined, cols: ids.filter((each) => each !== NAME) })
      },
      move: (id, by) => {
        const next = ids.filter((each) => each !== id)
        next.splice(Math.max(1, ids.indexOf(id) + by), 0, id)
        setSearch({ cols: next.filter((each) => each !== NAME) })
      },
      resize: (id, width) => setSearch({ w: { ...w, [id]: width } }, true),
      group: (id) => setSearch({ group: [id], sel: undefined }),
      filter: (clause) => setSearch({ q: added(q, clause), at: undefined }),
    }
    return { ids, columns: gridColumns(own, ids, title), actions }
  }, [cols, pin, w, sort, q, known, setSearch, title])
}
