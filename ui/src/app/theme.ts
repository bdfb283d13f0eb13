import { useCallback, useEffect, useState } from 'react'

export type Theme = 'light' | 'dark' | 'system'
const KEPT = 'mainspring.theme'
const DARK = '(prefers-color-scheme: dark)'

function kept(): Theme {
  const found = localStorage.getItem(KEPT)
  return found === 'light' || found === 'dark' ? found : 'system'
}

function apply(theme: Theme): void {
  const shown = theme === 'system' ? (matchMedia(DARK).matches ? 'dark' : 'light') : theme
  document.documentElement.dataset.theme = shown
}

/** The colours that were chosen; `public/theme.js` applies them before anything is drawn. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(kept)
  useEffect(() => {
    const system = matchMedia(DARK)
    const follow = () => apply(theme)
    system.addEventListener('change', follow)
    return () => system.removeEventListener('change', follow)
  }, [theme])
  const choose = useCallback((next: Theme) => {
    if (next === 'system') localStorage.removeItem(KEPT)
    else localStorage.setItem(KEPT, next)
    apply(next)
    setTheme(next)
  }, [])
  return [theme, choose]
}
