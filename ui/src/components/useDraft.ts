import { useCallback, useState } from 'react'

/** State that survives leaving the page and coming back: what was typed in a form. `clear` forgets it. */
export function useDraft(key: string, initial: string): [string, (value: string) => void, () => void] {
  const kept = `mainspring.draft.${key}`
  const [value, setValue] = useState(() => sessionStorage.getItem(kept) ?? initial)
  const set = useCallback(
    (next: string) => {
      sessionStorage.setItem(kept, next)
      setValue(next)
    },
    [kept],
  )
  const clear = useCallback(() => sessionStorage.removeItem(kept), [kept])
  return [value, set, clear]
}
