import { expect, test } from 'vitest'
import type { Artifact } from './source'
import { foldersAbove, linesOf, step, typedTo, type Folder } from './tree'

const file = (path: string): Artifact => ({ path, is_dir: false, size: 1, sha256: null })
const dir = (path: string): Artifact => ({ path, is_dir: true, size: null, sha256: null })
const folder = (items: Artifact[], next: string | null = null): Folder => ({
  items,
  next,
  isLoading: false,
  error: null,
})
const folders = new Map([
  ['', folder([dir('a'), file('b')])],
  ['a', folder([file('a/x'), file('a/y')], 'token')],
])
const open = new Set(['a'])
const lines = linesOf(folders, open)

test('lines as far as folders are open', () => {
  expect(linesOf(folders, new Set()).map((line) => line.path)).toEqual(['a', 'b'])
  expect(lines.map((line) => [line.path, line.kind, line.level, line.count])).toEqual([
    ['a', 'folder', 1, 2],
    ['a/x', 'file', 2, -1],
    ['a/y', 'file', 2, -1],
    ['a', 'more', 2, -1],
    ['b', 'file', 1, 2],
  ])
})

test('keys lead as the tree pattern says', () => {
  expect(step('ArrowRight', 0, lines, open)).toEqual({ to: 1 })
  expect(step('ArrowRight', 0, lines, new Set())).toEqual({ toggle: 'a' })
  expect(step('ArrowLeft', 0, lines, open)).toEqual({ toggle: 'a' })
  expect(step('ArrowLeft', 2, lines, open)).toEqual({ to: 0 })
  expect(step('End', 0, lines, open)).toEqual({ to: 4 })
  expect(step('ArrowUp', 0, lines, open)).toEqual({ to: 0 })
  expect(typedTo('b', 0, lines)).toBe(4)
  expect(typedTo('z', 0, lines)).toBe(-1)
})

test('folders above', () => {
  expect(foldersAbove('a/b/c')).toEqual(['a', 'a/b'])
  expect(foldersAbove('a')).toEqual([])
})
