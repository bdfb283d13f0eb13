import { expect, test } from 'vitest'
import { added, asFilter, complete, says, subjectOf } from './filter'

const COLUMNS = ['attributes.status', 'params.lr', 'params.learning rate', 'metrics.loss']
const valuesOf = (id: string) => (id === 'params.lr' ? ['0.1', "it's"] : [])

function options(text: string): string[] {
  return complete(text, text.length, COLUMNS, valuesOf).options.map((each) => each.label)
}

test('keys are quoted where they must be', () => {
  expect(subjectOf('params.lr')).toBe('params.lr')
  expect(subjectOf('params.learning rate')).toBe('params.`learning rate`')
  expect(subjectOf('tags.mlflow.user')).toBe('tags.`mlflow.user`')
  expect(subjectOf('params.from')).toBe('params.`from`')
  expect(subjectOf('params.a`b')).toBe('params."a`b"')
  expect(subjectOf('min.loss')).toBe('metrics.loss')
})

test('values are quoted so that they end where they end', () => {
  expect(says('params.lr', true, '0.1')).toBe("params.lr = '0.1'")
  expect(says('params.lr', false, "it's")).toBe('params.lr != "it\'s"')
  expect(says('params.lr', true, `it's "so"`)).toBe(`params.lr LIKE "it's _so_"`)
})

test('a clause is added once, and to a name too', () => {
  expect(added('', 'a = 1')).toBe('a = 1')
  expect(added('metrics.loss < 1', "params.lr = '1'")).toBe("metrics.loss < 1 AND params.lr = '1'")
  expect(added("params.lr = '1'", "params.lr = '1'")).toBe("params.lr = '1'")
  expect(added('resnet', "params.lr = '1'")).toBe("attributes.run_name ILIKE '%resnet%' AND params.lr = '1'")
})

test('what is no clause is a part of a name', () => {
  expect(asFilter(' resnet ')).toBe("attributes.run_name ILIKE '%resnet%'")
  expect(asFilter('metrics.loss < 1')).toBe('metrics.loss < 1')
  expect(asFilter('params.lr "x"')).toBe('params.lr "x"')
})

test('what may come next', () => {
  expect(options('')).toEqual(['attributes.status', 'params.lr', 'params.`learning rate`', 'metrics.loss'])
  expect(options('lear')).toEqual(['params.`learning rate`'])
  expect(options('params.lr ')).toContain('IS NULL')
  expect(options('metrics.loss ')).not.toContain('LIKE')
  expect(options('params.lr = ')).toEqual(["'0.1'", '"it\'s"'])
  expect(options("params.lr = '0")).toEqual(["'0.1'"])
  expect(options("params.lr = '0.1' ")).toEqual(['AND'])
  expect(options("params.lr = ' AND ' AND met")).toEqual(['metrics.loss'])
})
