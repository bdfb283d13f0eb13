import { useSyncExternalStore } from 'react'

/** The page's colours as a canvas takes them, and again whenever the theme changes. */
export interface Palette {
  surface: string
  line: string
  ink: string
  dim: string
  accent: string
  font: string
  /** Return the colour that `var(--c1)` stands for. */
  of: (color: string) => string
}

let palette: Palette | null = null

function read(): Palette {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const known = new Map<string, string>()
  const of = (color: string) => {
    if (!known.has(color)) known.set(color, resolve(color))
    return known.get(color)!
  }
  const [surface, line, ink, dim, accent] = ['--surface', '--line', '--ink', '--dim', '--accent'].map(token)
  return {
    surface: surface!,
    line: line!,
    ink: ink!,
    dim: dim!,
    accent: accent!,
    font: `11px ${token('--font')}`,
    of,
  }
}

/** Return a colour of CSS without variables. */
function resolve(color: string): string {
  const probe = document.body.appendChild(document.createElement('i'))
  probe.style.color = color
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}

function subscribe(notify: () => void): () => void {
  const observer = new MutationObserver(() => {
    palette = null
    notify()
  })
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => observer.disconnect()
}

export function usePalette(): Palette {
  return useSyncExternalStore(subscribe, () => (palette ??= read()))
}
