import { expect, test } from 'vitest'
import { projectAddress, readPlace } from './place'

test.each([
  ['/-/', '/-', '', null],
  ['/-/runs/1', '/-', '', null],
  ['/p/vision/detector/-/runs/1', '/p/vision/detector/-', '/p/vision/detector', 'vision/detector'],
  ['/p/a/b/c/-', '/p/a/b/c/-', '/p/a/b/c', 'a/b/c'],
])('%s is a page below %s', (path, base, prefix, project) => {
  expect(readPlace(path)).toEqual({ base, prefix, project })
})

test('a page of another project', () => {
  expect(projectAddress('a/b', 'models')).toBe('/p/a/b/-/models')
  expect(projectAddress(null)).toBe('/-/')
})
