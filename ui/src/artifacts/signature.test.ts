import { expect, test } from 'vitest'
import { readTable } from './json'
import { readSignature } from './signature'

test('columns, tensors and nested types', () => {
  const written = JSON.stringify([
    { name: 'x', type: 'double', required: true },
    { type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 4] } },
    { name: 'l', type: 'array', items: { type: 'object', properties: { a: { type: 'long' } } }, required: false },
    { name: 'p', type: 'integer', default: 3 },
  ])
  expect(readSignature(written)).toEqual([
    { name: 'x', type: 'double', isRequired: true },
    { name: '', type: 'float64 [?, 4]', isRequired: true },
    { name: 'l', type: 'array<{a: long}>', isRequired: false },
    { name: 'p', type: 'integer', isRequired: false },
  ])
})

test('what is no signature has no fields', () => {
  expect([readSignature(undefined), readSignature('{'), readSignature('{}'), readSignature('[1]')]).toEqual([
    [],
    [],
    [],
    [],
  ])
})

test('the tables of log_table', () => {
  expect(readTable({ columns: ['a'], data: [[1]] })).toEqual({ columns: ['a'], data: [[1]] })
  expect([readTable([]), readTable({ columns: [1], data: [] }), readTable({ columns: ['a'], data: [1] })]).toEqual([
    null,
    null,
    null,
  ])
})
