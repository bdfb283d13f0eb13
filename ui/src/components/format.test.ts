import { expect, test } from 'vitest'
import { formatTime, isDate } from './format'

test('a time that no calendar has is shown as it was logged', () => {
  expect(isDate(1.7e12)).toBe(true)
  expect(formatTime(1.7e12)).toContain('2023')
  expect(isDate(2 ** 62)).toBe(false)
  expect(formatTime(2 ** 62)).toBe('4611686018427388000 ms')
})
