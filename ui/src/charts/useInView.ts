import { useEffect, useRef, useState, type RefObject } from 'react'

/** Whether an element is seen, or nearly, and how wide it is in CSS pixels. */
export function useInView<T extends Element>(): [RefObject<T | null>, boolean, number] {
  const ref = useRef<T>(null)
  const [isIn, setIn] = useState(false)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const seen = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1)!
        setIn(last.isIntersecting)
        setWidth(last.boundingClientRect.width)
      },
      { rootMargin: '120px' },
    )
    seen.observe(ref.current!)
    return () => seen.disconnect()
  }, [])
  return [ref, isIn, width]
}
