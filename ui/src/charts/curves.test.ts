import { expect, test } from 'vitest'
import { extentOf, makeCurve, nearest, padded, smoothed, valueAt } from './curves'
import { makeSections, moved } from './metrics'

test('what is no number is a gap', () => {
  const values = [1, 'NaN', Number.MAX_VALUE, -Number.MAX_VALUE] as (number | 'NaN')[]
  const curve = makeCurve('a', { steps: [0, 1, 2, 3], timestamps: [5, 6, 7, 8], values, total: 4 }, (step) => step)
  expect([...curve.ys]).toEqual([1, NaN, NaN, NaN])
  expect(curve.gaps.map(({ kind }) => kind)).toEqual(['nan', 'up', 'down'])
})

test('smoothing begins at the first value and passes over gaps', () => {
  expect([...smoothed(Float64Array.of(4, 4, NaN, 4), 0.9)]).toEqual([4, 4, NaN, 4])
  const [first, second] = smoothed(Float64Array.of(0, 1), 0.5)
  expect(first).toBe(0)
  expect(second).toBeCloseTo(2 / 3)
})

test('extents', () => {
  expect(extentOf([Float64Array.of(NaN, -1, 3)])).toEqual([-1, 3])
  expect(extentOf([Float64Array.of(-1, 0, 3)], true)).toEqual([3, 3])
  expect(extentOf([Float64Array.of(NaN)])).toBeNull()
  expect(padded([2, 2])).toEqual([1.8, 2.2])
  expect(padded([1, 100], true, 0.5)).toEqual([0.1, 1000])
})

test('the nearest place', () => {
  const xs = [0, 10, 20]
  expect([-5, 4, 5, 6, 99].map((x) => nearest(xs, x))).toEqual([0, 0, 0, 1, 2])
  expect(valueAt(xs, [1, 2, 3], 21)).toBeNaN()
  expect(valueAt(xs, [1, 2, 3], 19)).toBe(3)
})

test('sections go by prefix, the machine last, and keep the order chosen', () => {
  const keys = ['system/cpu', 'train/b', 'train/a', 'acc', 'val/x']
  expect(makeSections(keys).map(({ name }) => name)).toEqual(['', 'train', 'val', 'system'])
  const order = moved([], ['train/a', 'train/b'], 'train/b', 'train/a')
  expect(makeSections(keys, order)[1]!.keys).toEqual(['train/b', 'train/a'])
})
