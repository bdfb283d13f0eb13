import { expect, test } from 'vitest'
import { pageOfMlflowLink } from './mlflowLinks'

test.each([
  ['#/experiments/3', '/experiments/3'],
  ['#/experiments/3/runs/abc', '/runs/abc'],
  ['#/experiments/3/runs/abc/model-metrics', '/runs/abc'],
  ['#/experiments/3/runs/abc/artifacts/model/MLmodel', '/runs/abc?tab=artifacts&path=model/MLmodel'],
  ['#/models/a%20b', '/models/a%20b'],
  ['#/models/churn/versions/7', '/models/churn/versions/7'],
  ['#/models', '/models'],
  ['#content', null],
  ['', null],
])('%s leads to %s', (hash, page) => {
  expect(pageOfMlflowLink(hash)).toBe(page)
})
