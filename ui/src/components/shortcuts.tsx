import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactElement,
  type ReactNode,
} from 'react'

/** Single keys and sequences of two (`g e`) that do things. They can be turned off (WCAG 2.1.4). */
export interface Shortcut {
  keys: string
  label: string
  /** Under which heading the help sheet has it. */
  group: string
  run: () => void
}

interface Registry {
  all: Shortcut[]
  add: (shortcut: Shortcut) => () => void
  isEnabled: boolean
  setEnabled: (enabled: boolean) => void
}

const KEPT = 'mainspring.shortcuts'
const SEQUENCE_MS = 1000
const Context = createContext<Registry | null>(null)

export function useShortcuts(): Registry {
  const registry = useContext(Context)
  if (!registry) throw new Error('no ShortcutProvider around this')
  return registry
}

/** Have `keys` call `run` while this is mounted, and stand on the help sheet. */
export function useShortcut(keys: string, label: string, group: string, run: () => void): void {
  const { add } = useShortcuts()
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  useEffect(() => add({ keys, label, group, run: () => latest.current() }), [add, keys, label, group])
}

export function ShortcutProvider({ children }: { children: ReactNode }): ReactElement {
  const [all, setAll] = useState<Shortcut[]>([])
  const [isEnabled, setOn] = useState(() => localStorage.getItem(KEPT) !== 'off')
  const add = useCallback((shortcut: Shortcut) => {
    setAll((known) => [...known, shortcut])
    return () => setAll((known) => known.filter((each) => each !== shortcut))
  }, [])
  const setEnabled = useCallback((enabled: boolean) => {
    localStorage.setItem(KEPT, enabled ? 'on' : 'off')
    setOn(enabled)
  }, [])
  const registry = useMemo(() => ({ all, isEnabled, add, setEnabled }), [all, isEnabled, add, setEnabled])
  useKeys(all, isEnabled)
  return <Context value={registry}>{children}</Context>
}

function useKeys(all: Shortcut[], isEnabled: boolean): void {
  const before = useRef({ key: '', at: 0 })
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || takesText(event.target)) return
      const isSoon = event.timeStamp - before.current.at < SEQUENCE_MS
      const sequence = isSoon ? `${before.current.key} ${event.key}` : ''
      // What was mounted last is what one is looking at.
      const found = all.findLast((each) => each.keys === sequence) ?? all.findLast((each) => each.keys === event.key)
      before.current = { key: event.key, at: event.timeStamp }
      if (!found || document.querySelector('[role=dialog]')) return
      event.preventDefault()
      before.current.at = 0
      found.run()
    }
    if (!isEnabled) return
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [all, isEnabled])
}

function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  )
}
