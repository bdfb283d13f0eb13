import { expect, test } from 'vitest'
import { columnsInView, reveal, ROW, rowsInView, trackOf } from './track'

test('what a browser can hold is not mapped', () => {
  const track = trackOf(100_000, 600)
  expect(track.height).toBe(100_000 * ROW)
  expect(track.offset(1234)).toBe(1234)
})

test('a million rows end where the scroll bar ends', () => {
  const [count, view] = [1_000_000, 600]
  const track = trackOf(count, view)
  expect(track.offset(track.height - view)).toBeCloseTo(count * ROW - view)
  expect(rowsInView(track.offset(track.height - view), view, count)[1]).toBe(count - 1)
  expect(track.scroll(track.offset(5_000_000))).toBeCloseTo(5_000_000)
})

test('rows in view', () => {
  expect(rowsInView(0, 64, 10)).toEqual([0, 1])
  expect(rowsInView(16, 64, 10)).toEqual([0, 2])
  expect(rowsInView(0, 600, 3)).toEqual([0, 2])
  expect(rowsInView(0, 600, 0)).toEqual([0, -1])
})

test('a row is brought into view by the shortest way', () => {
  expect(reveal(0, 100, 320)).toBe(0)
  expect(reveal(5, 100, 320)).toBe(100)
  expect(reveal(20, 0, 320)).toBe(21 * ROW - 320)
})

test('columns in view', () => {
  const widths = [100, 100, 100, 100]
  expect(columnsInView(widths, 0, 150)).toEqual([0, 1])
  expect(columnsInView(widths, 100, 200)).toEqual([1, 1])
  expect(columnsInView(widths, 250, 1000)).toEqual([2, 3])
  expect(columnsInView([], 0, 100)).toEqual([0, 0])
})
