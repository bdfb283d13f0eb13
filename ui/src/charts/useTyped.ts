import { useEffect, useRef, useState } from 'react'

const PAUSE_MS = 120

/** What is being typed, or dragged, into something that stands in the address: sent once one pauses. */
export function useTyped<T>(value: T, send: (value: T) => void): [T, (value: T) => void] {
  const [typed, setTyped] = useState(value)
  const [known, setKnown] = useState(value)
  const [sent, setSent] = useState(value)
  const latest = useRef(send)
  useEffect(() => {
    latest.current = send
  })
  // The address changed, and not by what was typed here: by Back, say.
  if (value !== known) {
    setKnown(value)
    if (value !== sent) {
      setSent(value)
      setTyped(value)
    }
  }
  useEffect(() => {
    if (typed === sent) return
    const timer = setTimeout(() => {
      setSent(typed)
      latest.current(typed)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, sent])
  return [typed, setTyped]
}
