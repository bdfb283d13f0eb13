import { Dialog } from 'radix-ui'
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/Button'
import { Icon } from '@/components/Icon'
import { Empty, Failed, Loading } from '@/components/Notice'
import styles from './charts.module.css'
import { runColor } from './colors'
import { Cursor, CursorContext } from './cursor'
import { useRunMetrics } from './data'
import { Legend } from './Legend'
import { makeSections, SYSTEM, type Section } from './metrics'
import { Panel } from './Panel'
import { SceneContext, useScene, type Scene } from './scene'
import { useChartSettings } from './settings'
import { Toolbar } from './Toolbar'
import { groupColor } from './usePicture'

export interface ChartRun {
  run_id: string
  name: string
  status: string
}

const FINAL = new Set(['FINISHED', 'FAILED', 'KILLED'])

/** The charts of runs: a panel for each metric, made by prefix. `groups` draws bands of groups in place of runs.
 *
 * How they are shown stands in the address, and is kept for the next time that `view` is opened. `only` shows the
 * metrics alone for which it holds.
 */
export function ChartGrid({
  runs,
  groups,
  view,
  only,
}: {
  runs: ChartRun[]
  groups?: Record<string, string[]>
  view: string
  only?: (metric: string) => boolean
}): ReactElement {
  const { t } = useTranslation('charts')
  const [settings, change] = useChartSettings(view)
  const [cursor] = useState(() => new Cursor())
  const known = useKnown(runs)
  const bands = useUnchanged(groups ?? null)
  const { keys, starts, isPending, error, refetch } = useRunMetrics(known.settled, known.running)
  const scene = useMemo<Scene>(
    () => ({ ...known, starts, groups: bands, settings, change }),
    [known, starts, bands, settings, change],
  )
  const sections = useMemo(() => {
    const wanted = keys.filter(
      (key) =>
        (!only || only(key)) &&
        !settings.hide.includes(key) &&
        key.toLowerCase().includes(settings.find.trim().toLowerCase()),
    )
    return makeSections(wanted, settings.order)
  }, [keys, only, settings.hide, settings.find, settings.order])

  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (isPending) return <Loading />
  if (keys.length === 0) {
    return (
      <Empty icon="chart" title={t('empty.title')}>
        <p>{t('empty.text')}</p>
      </Empty>
    )
  }
  const entries = bands
    ? Object.keys(bands).map((name, index) => ({ id: name, name, color: groupColor(index) }))
    : runs.map(({ run_id: id, name }) => ({ id, name, color: runColor(id) }))
  return (
    <SceneContext value={scene}>
      <CursorContext value={cursor}>
        <div className={styles.charts}>
          <Toolbar />
          <Legend entries={entries} />
          {sections.map((section) => (
            <PanelSection key={section.name} section={section} isAlone={sections.length === 1} />
          ))}
          {sections.length === 0 && <p className={styles.nothing}>{t('noneFound')}</p>}
        </div>
        {keys.includes(settings.panel) && <Large metric={settings.panel} onClose={() => change({ panel: '' })} />}
      </CursorContext>
    </SceneContext>
  )
}

function useKnown(runs: ChartRun[]): Pick<Scene, 'names' | 'settled' | 'running'> {
  const text = JSON.stringify(runs.map(({ run_id, name, status }) => [run_id, name, FINAL.has(status)]))
  return useMemo(() => {
    const all = JSON.parse(text) as [string, string, boolean][]
    return {
      names: new Map(all.map(([id, name]) => [id, name])),
      settled: all.filter(([, , isFinal]) => isFinal).map(([id]) => id),
      running: all.filter(([, , isFinal]) => !isFinal).map(([id]) => id),
    }
  }, [text])
}

/** The same value for as long as it says the same: parents make theirs again each time that they are drawn. */
function useUnchanged<T>(value: T): T {
  const text = JSON.stringify(value)
  return useMemo(() => JSON.parse(text) as T, [text])
}

function PanelSection({ section: { name, keys }, isAlone }: { section: Section; isAlone: boolean }): ReactElement {
  const { t } = useTranslation('charts')
  const { settings, change } = useScene()
  const isFolded = settings.fold.includes(name) !== (name === SYSTEM && !isAlone)
  const title = name === '' ? t('general') : name === SYSTEM ? t('system') : name
  const toggle = () =>
    change({
      fold: settings.fold.includes(name) ? settings.fold.filter((each) => each !== name) : [...settings.fold, name],
    })
  return (
    <section aria-label={title}>
      <h2 className={styles.sectionHead}>
        <button type="button" aria-expanded={!isFolded} onClick={toggle}>
          <Icon name={isFolded ? 'chevronRight' : 'chevronDown'} />
          {title}
          <small>{keys.length}</small>
        </button>
      </h2>
      {!isFolded && (
        <div className={styles.grid} data-columns={settings.columns || undefined}>
          {keys.map((metric) => (
            <Panel key={metric} metric={metric} keys={keys} />
          ))}
        </div>
      )}
    </section>
  )
}

const NO_KEYS: string[] = []

/** One panel that fills the window. */
function Large({ metric, onClose }: { metric: string; onClose: () => void }): ReactElement {
  const { t } = useTranslation('charts')
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Content className={styles.full} aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">{metric}</Dialog.Title>
          <div className={styles.fullHead}>
            <Toolbar />
            <Dialog.Close asChild>
              <IconButton icon="close" label={t('panel.small')} />
            </Dialog.Close>
          </div>
          <Panel metric={metric} keys={NO_KEYS} isLarge />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
