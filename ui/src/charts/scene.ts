import { createContext, useContext } from 'react'
import type { ChangeSettings, ChartSettings } from './settings'

/** What all panels of a grid share. */
export interface Scene {
  names: Map<string, string>
  /** Runs that log no more, and those that may. */
  settled: string[]
  running: string[]
  starts: Map<string, number>
  /** Groups of runs by name, where bands are drawn in place of runs. */
  groups: Record<string, string[]> | null
  settings: ChartSettings
  change: ChangeSettings
}

export const SceneContext = createContext<Scene | null>(null)

export function useScene(): Scene {
  const scene = useContext(SceneContext)
  if (!scene) throw new Error('no ChartGrid around this')
  return scene
}
