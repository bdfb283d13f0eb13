import { describe, expect, it } from 'vitest'
import { bestOf, columnsOf, comparedOf, filterOf, isSmallerBetter, summaryOf, tagFilter } from './models'

describe('searching', () => {
  it('takes words for parts of names and leaves the grammar as it is', () => {
    expect(filterOf(' wine ')).toBe("name ILIKE '%wine%'")
    expect(filterOf("it's")).toBe('name ILIKE "%it\'s%"')
    expect(filterOf("tags.team = 'a'")).toBe("tags.team = 'a'")
    expect(filterOf('')).toBe('')
    expect(tagFilter('a b', "x'y")).toBe('tags.`a b` = "x\'y"')
  })
})

describe('a summary', () => {
  it('is the first paragraph without marks', () => {
    const card = '---\nlicense: MIT\n---\n\n# Title\n\nTells **who** [made](https://e.org) it.\nAll of it.\n\nMore'
    expect(summaryOf(card)).toBe('Tells who made it. All of it.')
    expect(summaryOf(null)).toBe('')
    expect(summaryOf('---\nnever ended')).toBe('')
    expect(summaryOf('x'.repeat(400))).toHaveLength(240)
  })
})

describe('the best of metrics', () => {
  it('is by the name of the metric', () => {
    expect(['val_loss', 'testError', 'RMSE', 'latency_ms'].every(isSmallerBetter)).toBe(true)
    expect(['accuracy', 'f1', 'merriment', 'auc'].some(isSmallerBetter)).toBe(false)
  })
  it('is none where there is nothing to choose', () => {
    expect(bestOf([1, 3, 'NaN', undefined, 3], false)).toEqual(new Set([1, 4]))
    expect(bestOf([1, 3], true)).toEqual(new Set([0]))
    expect(bestOf([2, 2], true)).toEqual(new Set())
    expect(bestOf([2, 'NaN'], true)).toEqual(new Set())
  })
})

describe('a signature', () => {
  it('has columns, tensors and what is neither', () => {
    const tensor = '[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,4]}}]'
    const columns = '[{"name":"a","type":"double","required":false},{"type":"array","items":{"type":"long"}},7]'
    const file = { signature: { inputs: columns, outputs: tensor, params: '{' } }
    expect(columnsOf(file, 'inputs')).toEqual([
      { name: 'a', type: 'double', isRequired: false, shape: '' },
      { name: '1', type: 'array<long>', isRequired: true, shape: '' },
      { name: '2', type: 'any', isRequired: true, shape: '' },
    ])
    expect(columnsOf(file, 'outputs')).toEqual([{ name: '0', type: 'float32', isRequired: true, shape: '(-1, 4)' }])
    expect(columnsOf(file, 'params')).toEqual([])
  })
})

describe('what is compared', () => {
  it('is numbers, each once', () => {
    expect(comparedOf('1,2,2,x,0,-1')).toEqual([1, 2])
    expect(comparedOf(undefined)).toEqual([])
  })
})
