import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/Button'
import { Check, inputClass } from '@/components/Field'
import { Popover } from '@/components/Menu'
import styles from './charts.module.css'
import { useScene } from './scene'
import { BANDS, HEIGHTS, LOGS, MAX_COLUMNS, X_AXES, type Log } from './settings'
import { useTyped } from './useTyped'

const MAX_SMOOTH = 0.99

/** What goes for all panels. */
export function Toolbar(): ReactElement {
  const { t } = useTranslation('charts')
  const { settings, change, groups } = useScene()
  const [find, type] = useTyped(settings.find, (next) => change({ find: next }))
  const isZoomed = settings.from !== null || settings.to !== null
  return (
    <div className={styles.toolbar} role="toolbar" aria-label={t('toolbar')}>
      <input
        type="search"
        className={`${inputClass} ${styles.find}`}
        placeholder={t('find')}
        aria-label={t('find')}
        value={find}
        onChange={(event) => type(event.target.value)}
      />
      <Choice
        label={t('xAxis')}
        choices={X_AXES.map((each) => [each, t(`x.${each}`)])}
        value={settings.x}
        onChange={(x) => change({ x, from: null, to: null })}
      />
      {!groups && <Smoothing />}
      {groups && (
        <Choice
          label={t('band')}
          choices={BANDS.map((each) => [each, t(`bands.${each}`)])}
          value={settings.band}
          onChange={(band) => change({ band })}
        />
      )}
      {isZoomed && (
        <Button small icon="restore" onClick={() => change({ from: null, to: null }, { replace: false })}>
          {t('reset')}
        </Button>
      )}
      <span className={styles.grow} />
      {settings.hide.length > 0 && <Hidden />}
      <Layout />
    </div>
  )
}

function Smoothing(): ReactElement {
  const { t } = useTranslation('charts')
  const { settings, change } = useScene()
  const [smooth, drag] = useTyped(settings.smooth, (next) => change({ smooth: next }))
  return (
    <label className={styles.smooth} title={t('smoothTold')}>
      {t('smooth')}
      <input
        type="range"
        min={0}
        max={MAX_SMOOTH}
        step={0.01}
        value={smooth}
        onChange={(event) => drag(Number(event.target.value))}
      />
      <output>{smooth.toFixed(2)}</output>
    </label>
  )
}

function Layout(): ReactElement {
  const { t } = useTranslation('charts')
  const { settings, change } = useScene()
  const columns = ['0', ...Array.from({ length: MAX_COLUMNS }, (_, index) => String(index + 1))]
  const has = (axis: 'x' | 'y') => settings.log.includes(axis)
  const toggle = (axis: 'x' | 'y') => {
    const axes = (['x', 'y'] as const).filter((each) => has(each) !== (each === axis)).join('')
    change({ log: LOGS.find((each): each is Log => each === axes) ?? 'none' })
  }
  return (
    <Popover
      align="end"
      label={t('layout')}
      trigger={
        <Button small icon="settings">
          {t('layout')}
        </Button>
      }
    >
      <div className={styles.layout}>
        <Check label={t('logY')} checked={has('y')} onChange={() => toggle('y')} />
        <Check label={t('logX')} checked={has('x')} onChange={() => toggle('x')} />
        <Choice
          label={t('columns')}
          isShown
          choices={columns.map((each) => [each, each === '0' ? t('fit') : each])}
          value={String(settings.columns)}
          onChange={(next) => change({ columns: Number(next) })}
        />
        <Choice
          label={t('height')}
          isShown
          choices={HEIGHTS.map((each) => [each, t(`heights.${each}`)])}
          value={settings.height}
          onChange={(height) => change({ height })}
        />
      </div>
    </Popover>
  )
}

function Hidden(): ReactElement {
  const { t } = useTranslation('charts')
  const { settings, change } = useScene()
  return (
    <Popover
      align="end"
      label={t('hidden', { count: settings.hide.length })}
      trigger={
        <Button small icon="eye">
          {t('hidden', { count: settings.hide.length })}
        </Button>
      }
    >
      <div className={styles.layout}>
        {settings.hide.map((metric) => (
          <Check
            key={metric}
            label={metric}
            checked={false}
            onChange={() => change({ hide: settings.hide.filter((each) => each !== metric) })}
          />
        ))}
        <Button small onClick={() => change({ hide: [] })}>
          {t('showAll')}
        </Button>
      </div>
    </Popover>
  )
}

/** One of a few, all of which are seen. */
export function Choice<T extends string>({
  label,
  isShown = false,
  choices,
  value,
  onChange,
}: {
  label: string
  /** Whether the label stands above. */
  isShown?: boolean
  choices: readonly (readonly [T, string])[]
  value: T
  onChange: (value: T) => void
}): ReactElement {
  return (
    <div>
      {isShown && (
        <div className={styles.choiceLabel} aria-hidden="true">
          {label}
        </div>
      )}
      <div className={styles.choice} role="group" aria-label={label}>
        {choices.map(([each, text]) => (
          <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
            {text}
          </button>
        ))}
      </div>
    </div>
  )
}
