import { expect, test } from 'vitest'
import { collapse, type LineageNode } from './collapse'
import { placeNodes } from './layout'

function node(id: string, kind: LineageNode['kind']): LineageNode {
  return { id, kind, title: id, project: 'a/b', created_at: null, url: '', attributes: {} }
}

const nodes = [node('d', 'dataset'), node('r1', 'run'), node('r2', 'run'), node('v', 'model_version')]
const edges = [
  { source: 'd', target: 'r1', kind: 'read' },
  { source: 'd', target: 'r2', kind: 'read' },
  { source: 'r1', target: 'v', kind: 'made' },
]

test('nothing is put together unless asked for', () => {
  const picture = collapse(nodes, edges, 'v', new Set())
  expect(picture.shown.map((each) => each.id)).toEqual(['d', 'r1', 'r2', 'v'])
  expect(picture.edges).toHaveLength(3)
})

test('runs are one, with one edge to each neighbour', () => {
  const picture = collapse(nodes, edges, 'v', new Set(['run']))
  expect(picture.shown.map((each) => [each.id, each.nodes.length])).toEqual([
    ['d', 1],
    ['all:run', 2],
    ['v', 1],
  ])
  expect(picture.edges.map(({ source, target }) => `${source} ${target}`)).toEqual(['d all:run', 'all:run v'])
})

test('the thing that was asked for is never put away', () => {
  const ids = collapse(nodes, edges, 'r1', new Set(['run'])).shown.map((each) => each.id)
  expect(ids).toEqual(['d', 'r1', 'all:run', 'v'])
})

test('what comes of a thing stands to its right', () => {
  const places = new Map(
    placeNodes(
      ['d', 'r1', 'v'],
      edges.filter((each) => each.target !== 'r2'),
    ).map((p) => [p.id, p.x]),
  )
  expect(places.get('d')!).toBeLessThan(places.get('r1')!)
  expect(places.get('r1')!).toBeLessThan(places.get('v')!)
})
