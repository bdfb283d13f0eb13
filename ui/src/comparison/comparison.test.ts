import { expect, test } from 'vitest'
import type { Run } from '@/charts/data'
import { makeFields, makeScale, rounds } from './fields'
import { pictureAt, readPicture } from './images'
import { makeRows, readPackages } from './rows'
import { isoline, makeSurface } from './surface'

function run(run_id: string, params: Record<string, string>, loss: number | 'NaN'): Run {
  const tags = { team: 'a', 'mlflow.source.git.commit': run_id, 'mlflow.runName': run_id }
  const metrics = [{ key: 'loss', value: loss, timestamp: 0, step: 0 }]
  return { run_id, experiment_id: '1', user_id: 'u', status: 'FINISHED', params, tags, metrics } as unknown as Run
}

const runs = [
  run('a', { lr: '0.1', opt: 'sgd', seed: '1' }, 0.5),
  run('b', { lr: '0.001', opt: 'adam', seed: '1' }, 'NaN'),
]

test('rows say what differs', () => {
  const changed = makeRows(runs).filter(({ isChanged }) => isChanged)
  expect(changed.map(({ name }) => name)).toEqual(['lr', 'opt', 'loss', 'git commit'])
  expect(makeRows(runs).some(({ name }) => name === 'mlflow.runName')).toBe(false)
})

test('packages are read from what was logged with a model', () => {
  const pins = readPackages('numpy==2.1.0\nScikit-learn[all]==1.6.1 ; python_version > "3"\n-r x\n', 'python: 3.11.2\n')
  expect(pins).toEqual({ Python: '3.11.2', numpy: '2.1.0', 'scikit-learn': '1.6.1' })
})

test('fields are numbers where all are', () => {
  const fields = makeFields(runs)
  expect(fields.map(({ id, isNumeric, isVaried }) => [id, isNumeric, isVaried])).toEqual([
    ['params.lr', true, true],
    ['params.opt', false, true],
    ['params.seed', true, false],
    ['metrics.loss', true, true],
  ])
  const scale = makeScale(fields[0]!)
  expect(scale.isLog).toBe(true)
  expect(scale.place(0.01)).toBeCloseTo(0.5)
  expect(makeScale(fields[3]!).place(NaN)).toBeNull()
  expect(rounds(0, 0.9)).toEqual([0, 0.2, 0.4, 0.6, 0.8])
})

test('images go by name and step', () => {
  const path = 'images/mask+step+10+timestamp+1795277251902+1243ee5f-6a85-455c-98fd-507924f7a20a'
  expect(readPicture('a', `${path}.png`)).toMatchObject({ name: 'mask', step: 10 })
  expect(readPicture('a', `${path}+compressed.webp`)).toBeNull()
  expect(readPicture('a', 'figures/roc.svg')).toMatchObject({ name: 'figures/roc.svg', step: null })
  expect(readPicture('a', 'model.pkl')).toBeNull()
  const all = [0, 10, 20].map((step) => ({ runId: 'a', path: String(step), name: 'mask', step }))
  expect(pictureAt(all, 15)?.step).toBe(10)
})

test('a line of equal height lies where the surface has that height', () => {
  const surface = makeSurface(
    [
      { x: 0, y: 0.5, z: 0 },
      { x: 1, y: 0.5, z: 1 },
    ],
    21,
    21,
  )
  const line = isoline(surface, 0.5)
  expect(line.length).toBeGreaterThan(0)
  for (const [x] of line) expect(x).toBeCloseTo(0.5, 1)
})
