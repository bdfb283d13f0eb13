import { useEffect, useState, type ReactElement } from 'react'
import { formatAgo, formatDuration, formatTime, isDate } from './format'
import { Tooltip } from './Tooltip'

/** The time now in ms, again every `everyMs` for as long as `isRunning`. */
export function useNow(everyMs: number, isRunning = true): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs, isRunning])
  return now
}

/** A time in ms since 1970: how long ago, and exactly when on a closer look. */
export function Ago({ time }: { time: number | null | undefined }): ReactElement {
  const now = useNow(30_000)
  if (time === null || time === undefined) return <span>–</span>
  if (!isDate(time)) return <span>{formatTime(time)}</span>
  return (
    <Tooltip text={formatTime(time)}>
      <time dateTime={new Date(time).toISOString()}>{formatAgo(time, now)}</time>
    </Tooltip>
  )
}

/** How long something took, or takes until now. */
export function Took({ from, to }: { from: number | null | undefined; to: number | null | undefined }): ReactElement {
  const isRunning = to === null || to === undefined
  const now = useNow(1000, isRunning)
  if (from === null || from === undefined) return <span>–</span>
  return <span>{formatDuration(Math.max(0, (to ?? now) - from))}</span>
}
