import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMe } from '@/api/me'
import { Button, IconButton } from '@/components/Button'
import { Icon } from '@/components/Icon'
import { Menu, MenuChoice, MenuGroup, MenuItem, MenuLine } from '@/components/Menu'
import { useShortcut } from '@/components/shortcuts'
import { changeLanguage, LANGUAGES, type Language } from '@/i18n'
import { AREAS } from './areas'
import { HelpSheet } from './HelpSheet'
import { Inbox } from './Inbox'
import { ProjectSwitcher } from './ProjectSwitcher'
import styles from './shell.module.css'
import { useTheme } from './theme'

const Palette = lazy(() => import('./palette/Palette').then((file) => ({ default: file.Palette })))
const IS_MAC = navigator.platform.startsWith('Mac')
const KEYS = IS_MAC ? '⌘K' : 'Ctrl K'

/** What stands above every page: the project, the search, the inbox, help, and one's account. */
export function Bar(): ReactElement {
  const { t } = useTranslation()
  const [isHelping, setHelping] = useState(false)
  useShortcut('?', t('shortcuts.help'), t('shortcuts.everywhere'), () => setHelping(true))
  return (
    <>
      {AREAS.map((area) => (
        <GoTo key={area.name} area={area} />
      ))}
      <ProjectSwitcher />
      <div className={styles.grow} />
      <Search />
      <Inbox />
      <IconButton icon="help" label={t('help')} onClick={() => setHelping(true)} />
      <HelpSheet open={isHelping} onClose={() => setHelping(false)} />
      <AccountMenu />
    </>
  )
}

function Search(): ReactElement {
  const { t } = useTranslation()
  const [isOpen, setOpen] = useState(false)
  useShortcut('/', t('shortcuts.palette'), t('shortcuts.everywhere'), () => setOpen(true))
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.key !== 'k' || !(IS_MAC ? event.metaKey : event.ctrlKey)) return
      event.preventDefault()
      setOpen(true)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  return (
    <>
      <Button className={styles.search} aria-label={`${t('commands')} ${KEYS}`} onClick={() => setOpen(true)}>
        <Icon name="search" />
        <span>{t('commands')}</span> <kbd>{KEYS}</kbd>
      </Button>
      {isOpen && (
        <Suspense>
          <Palette onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

function AccountMenu(): ReactElement {
  const { t, i18n } = useTranslation()
  const me = useMe()
  const navigate = useNavigate()
  const [theme, setTheme] = useTheme()
  const languages = Object.entries(LANGUAGES) as [Language, string][]
  const themes = (['light', 'dark', 'system'] as const).map((each) => [each, t(`themes.${each}`)] as const)
  const hasAccount = me !== undefined && me.kind !== 'local' && me.kind !== 'anonymous'
  return (
    <Menu trigger={<IconButton icon="user" label={t('account')} />}>
      {me && <MenuGroup label={me.name} />}
      {hasAccount && (
        <MenuItem icon="user" onSelect={() => void navigate({ to: '/account' })}>
          {t('account')}
        </MenuItem>
      )}
      {me?.kind === 'anonymous' && (
        <MenuItem icon="key" onSelect={() => window.location.assign('/login')}>
          {t('signIn')}
        </MenuItem>
      )}
      {hasAccount && (
        <MenuItem icon="external" onSelect={() => void signOut()}>
          {t('signOut')}
        </MenuItem>
      )}
      <MenuLine />
      <MenuGroup label={t('theme')} />
      <MenuChoice value={theme} onChange={setTheme} choices={themes} />
      <MenuLine />
      <MenuGroup label={t('language')} />
      <MenuChoice
        value={i18n.language as Language}
        onChange={(next) => void changeLanguage(next)}
        choices={languages}
      />
    </Menu>
  )
}

async function signOut(): Promise<void> {
  await unwrap(api.POST('/api/v1/auth/sign-out'))
  window.location.assign('/signed-out')
}

function GoTo({ area: { name, to, key } }: { area: (typeof AREAS)[number] }): null {
  const { t } = useTranslation()
  const navigate = useNavigate()
  useShortcut(`g ${key}`, t('shortcuts.goTo', { area: t(`areas.${name}`) }), t('shortcuts.everywhere'), () => {
    void navigate({ to })
  })
  return null
}
