import { expect, test } from 'vitest'
import { searchFields, tokenOf } from './stac'

test('what was chosen becomes conditions that hold together', () => {
  const fields = searchFields({ q: 'snow', license: "O'Neil", keyword: 'alps', from: '2020-01-01' })
  expect(fields.get('filter')).toBe("license = 'O''Neil' AND keywords = 'alps'")
  expect(fields.get('datetime')).toBe('2020-01-01T00:00:00Z/..')
  expect(fields.get('q')).toBe('snow')
  expect(fields.has('bbox')).toBe(false)
})

test('the next page is found by its link', () => {
  const links = [{ rel: 'next', href: 'http://somewhere/api/stac/search?limit=2&token=nAb%3D' }]
  expect(tokenOf({ features: [], links, numberMatched: 0 }, 'next')).toBe('nAb=')
  expect(tokenOf({ features: [], links, numberMatched: 0 }, 'prev')).toBeUndefined()
})
