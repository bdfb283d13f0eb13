import { createContext, useContext, useSyncExternalStore } from 'react'

/** Where one looks: all panels show the values of the same place, and lift the same run. */
export interface Look {
  x: number | null
  /** The panel that has the pointer or the keyboard. */
  panel: string | null
  /** The run or group that is lifted. */
  id: string | null
}

const NOWHERE: Look = { x: null, panel: null, id: null }

export class Cursor {
  private look = NOWHERE
  private readonly listeners = new Set<() => void>()

  readonly get = (): Look => this.look

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  set(look: Partial<Look>): void {
    const next = { ...this.look, ...look }
    if (next.x === this.look.x && next.panel === this.look.panel && next.id === this.look.id) return
    this.look = next
    for (const listener of this.listeners) listener()
  }

  clear(): void {
    this.set(NOWHERE)
  }
}

export const CursorContext = createContext(new Cursor())

export function useCursor(): Cursor {
  return useContext(CursorContext)
}

export function useLook(): Look {
  const cursor = useCursor()
  return useSyncExternalStore(cursor.subscribe, cursor.get)
}
