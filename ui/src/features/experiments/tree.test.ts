import { expect, test } from 'vitest'
import { rowsOf, type Experiment } from './tree'

function experiment(name: string, updated_at = 0): Experiment {
  return {
    experiment_id: name,
    name,
    updated_at,
    created_at: 0,
    artifact_location: '',
    lifecycle_stage: 'active',
    tags: {},
  }
}

const ALL = ['b', 'vision/resnet', 'vision/vit/large', 'vision/vit/small', 'a'].map((name, place) =>
  experiment(name, place),
)

function told(open: string[], isAllOpen = false, sort: 'name' | 'updated' = 'name'): string[] {
  return rowsOf(ALL, new Set(open), isAllOpen, sort).map(
    (row) => `${'  '.repeat(row.depth)}${row.name}${row.inside || ''}`,
  )
}

test('folders are closed until they are opened, and tell how many are inside', () => {
  expect(told([])).toEqual(['vision3', 'a', 'b'])
  expect(told(['vision'])).toEqual(['vision3', '  vit2', '  resnet', 'a', 'b'])
  expect(told([], true)).toEqual(['vision3', '  vit2', '    large', '    small', '  resnet', 'a', 'b'])
})

test('the newest change comes first where one asks for it', () => {
  expect(told([], false, 'updated')).toEqual(['vision3', 'a', 'b'])
  expect(told(['vision', 'vision/vit'], false, 'updated').slice(2, 4)).toEqual(['    small', '    large'])
})

test('names of slashes alone stay names', () => {
  expect(rowsOf([experiment('/')], new Set(), true, 'name').at(-1)?.experiment?.name).toBe('/')
})
