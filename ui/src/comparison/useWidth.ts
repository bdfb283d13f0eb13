import { useEffect, useRef, useState, type RefObject } from 'react'

/** How wide an element is, in CSS pixels; `initial` until that is known. */
export function useWidth<T extends Element>(initial = 800): [RefObject<T | null>, number] {
  const ref = useRef<T>(null)
  const [width, setWidth] = useState(initial)
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => setWidth(Math.max(240, entry!.contentRect.width)))
    resized.observe(ref.current!)
    return () => resized.disconnect()
  }, [])
  return [ref, width]
}
