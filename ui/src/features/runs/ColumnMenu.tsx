import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { MenuGroup, MenuItem, MenuLine } from '@/components/Menu'
import { canSort, NAME } from './columns'
import { parts, subjectOf } from './filter'

const STEP = 40
const LEAST = 64
const GROUPABLE = ['params', 'tags']

export interface ColumnActions {
  ids: string[]
  pinned: string[]
  sort: (sort: string | undefined) => void
  show: (ids: string[]) => void
  pin: (id: string, isPinned: boolean) => void
  move: (id: string, by: number) => void
  resize: (id: string, width: number) => void
  group: (id: string) => void
  filter: (clause: string) => void
}

/** All that can be done with a column, by keyboard too. */
export function ColumnMenu({
  id,
  width,
  actions,
}: {
  id: string
  width: number
  actions: ColumnActions
}): ReactElement {
  const { t } = useTranslation('runs')
  const [kind, key] = parts(id)
  const { ids, pinned } = actions
  const isPinned = pinned.includes(id)
  const others = (['metrics', 'min', 'max', 'curve'] as const).filter(
    (each) => each !== kind && !ids.includes(`${each}.${key}`),
  )
  const isMetric = kind === 'metrics' || kind === 'min' || kind === 'max' || kind === 'curve'
  const isGroupable = GROUPABLE.includes(kind) || id === 'attributes.status' || id === 'attributes.user_id'
  const addBeside = (added: string) => actions.show(ids.flatMap((each) => (each === id ? [each, added] : [each])))
  return (
    <>
      {canSort(id) && (
        <>
          <MenuItem icon="up" onSelect={() => actions.sort(id)}>
            {t('columns.ascending')}
          </MenuItem>
          <MenuItem icon="down" onSelect={() => actions.sort(`-${id}`)}>
            {t('columns.descending')}
          </MenuItem>
          <MenuItem onSelect={() => actions.sort(undefined)}>{t('columns.unsorted')}</MenuItem>
          <MenuLine />
        </>
      )}
      {isMetric && others.length > 0 && (
        <>
          <MenuGroup label={t('columns.more')} />
          {others.map((each) => (
            <MenuItem
              key={each}
              icon={each === 'curve' ? 'chart' : undefined}
              onSelect={() => addBeside(`${each}.${key}`)}
            >
              {t(`columns.kinds.${each}`)}
            </MenuItem>
          ))}
          <MenuLine />
        </>
      )}
      {isGroupable && (
        <MenuItem icon="group" onSelect={() => actions.group(id)}>
          {t('columns.group')}
        </MenuItem>
      )}
      {GROUPABLE.includes(kind) && (
        <MenuItem onSelect={() => actions.filter(`${subjectOf(id)} IS NOT NULL`)}>{t('columns.present')}</MenuItem>
      )}
      {id !== NAME && (
        <>
          <MenuItem icon="pin" onSelect={() => actions.pin(id, !isPinned)}>
            {t(isPinned ? 'columns.unpin' : 'columns.pin')}
          </MenuItem>
          <MenuItem icon="chevronLeft" onSelect={() => actions.move(id, -1)}>
            {t('columns.left')}
          </MenuItem>
          <MenuItem icon="chevronRight" onSelect={() => actions.move(id, 1)}>
            {t('columns.right')}
          </MenuItem>
        </>
      )}
      <MenuItem icon="plus" onSelect={() => actions.resize(id, width + STEP)}>
        {t('columns.wider')}
      </MenuItem>
      <MenuItem icon="minus" onSelect={() => actions.resize(id, Math.max(LEAST, width - STEP))}>
        {t('columns.narrower')}
      </MenuItem>
      {id !== NAME && (
        <>
          <MenuLine />
          <MenuItem icon="close" onSelect={() => actions.show(ids.filter((each) => each !== id && each !== NAME))}>
            {t('columns.hide')}
          </MenuItem>
        </>
      )}
    </>
  )
}
