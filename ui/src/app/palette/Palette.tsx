import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Dialog } from 'radix-ui'
import { useId, useState, type KeyboardEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { recent } from '@/api/recent'
import { Icon, type IconName } from '@/components/Icon'
import { AREAS } from '../areas'
import { findTargets, type Target } from './found'
import styles from './palette.module.css'

const ICONS: Record<string, IconName> = { experiment: 'experiments', run: 'play', model: 'models', item: 'catalog' }

/** One field that leads anywhere: areas, what was looked at last, and whatever bears a name here. */
export function Palette({ onClose }: { onClose: () => void }): ReactElement {
  const { t } = useTranslation()
  const [words, setWords] = useState('')
  const [chosen, setChosen] = useState(0)
  const list = useId()
  const targets = useTargets(words)
  const follow = useFollow(onClose)

  function onKeyDown(event: KeyboardEvent): void {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move) setChosen((chosen + move + targets.length) % Math.max(1, targets.length))
    else if (event.key === 'Enter' && targets[chosen]) follow(targets[chosen])
    else return
    event.preventDefault()
  }

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={styles.backdrop} />
        <Dialog.Content className={styles.palette} aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">{t('commands')}</Dialog.Title>
          <div className={styles.asked}>
            <Icon name="search" />
            <input
              role="combobox"
              aria-expanded
              aria-controls={list}
              aria-activedescendant={targets[chosen] && `${list}-${chosen}`}
              aria-label={t('commands')}
              placeholder={t('commands')}
              value={words}
              onKeyDown={onKeyDown}
              onChange={(event) => {
                setWords(event.target.value)
                setChosen(0)
              }}
            />
          </div>
          <div id={list} role="listbox" aria-label={t('commands')} className={styles.found} data-scrolls>
            {targets.map((target, index) => (
              <Row
                key={target.id}
                id={`${list}-${index}`}
                target={target}
                isChosen={index === chosen}
                onPoint={() => setChosen(index)}
                onFollow={() => follow(target)}
              />
            ))}
          </div>
          {targets.length === 0 && <p className={styles.nothing}>{t('palette.nothing', { words })}</p>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Row({
  id,
  target,
  isChosen,
  onPoint,
  onFollow,
}: {
  id: string
  target: Target
  isChosen: boolean
  onPoint: () => void
  onFollow: () => void
}): ReactElement {
  return (
    // The field above has the keyboard, as a combobox has it (WAI-ARIA 1.2).
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      className={styles.target}
      ref={(row) => {
        if (isChosen) row?.scrollIntoView({ block: 'nearest' })
      }}
      onPointerMove={onPoint}
      onClick={onFollow}
    >
      <Icon name={target.icon} />
      <span className={styles.name}>{target.name}</span>
      {target.beside && <span className={styles.beside}>{target.beside}</span>}
    </div>
  )
}

/** What the words fit, areas first; without words, what was looked at last. */
function useTargets(words: string): Target[] {
  const { t } = useTranslation()
  const { data = [] } = useQuery({ ...findTargets(words), placeholderData: keepPreviousData })
  const wanted = words.trim().toLowerCase()
  const areas = AREAS.map(({ name, to, icon }): Target => ({ id: name, icon, name: t(`areas.${name}`), to }))
  if (!wanted) {
    const visited = recent().map(({ kind, path, name }): Target => ({ id: path, icon: ICONS[kind]!, name, to: path }))
    return [...visited.slice(0, 6), ...areas]
  }
  return [...areas.filter(({ name }) => name.toLowerCase().includes(wanted)), ...data]
}

function useFollow(onClose: () => void): (target: Target) => void {
  const navigate = useNavigate()
  return ({ to, href, run }) => {
    onClose()
    if (to) void navigate({ to })
    else if (href) window.location.assign(href)
    else run?.()
  }
}
