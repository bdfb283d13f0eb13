import { expect, test } from 'vitest'
import { folderOf, isBinary, kindOf } from './kinds'

test.each([
  ['a/b.PNG', 'image'],
  ['MLmodel', 'model'],
  ['x.MLmodel', 'text'],
  ['t.parquet', 'table'],
  ['Makefile', 'text'],
  ['a.b/c', 'text'],
])('%s is shown as %s', (path, kind) => {
  expect(kindOf(path)).toBe(kind)
})

test('bytes that are no text', () => {
  expect(isBinary(new TextEncoder().encode('grün\n'))).toBe(false)
  expect(isBinary(new Uint8Array([65, 0, 66]))).toBe(true)
  expect(isBinary(new Uint8Array(100).fill(0xff))).toBe(true)
  expect(isBinary(new Uint8Array())).toBe(false)
})

test('folders', () => {
  expect([folderOf('a/b/c'), folderOf('a'), folderOf('')]).toEqual(['a/b', '', ''])
})
