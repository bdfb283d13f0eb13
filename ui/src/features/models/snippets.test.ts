import { describe, expect, it } from 'vitest'
import type { Details } from './models'
import { registerCode, snippetsOf } from './snippets'

const ADDRESS = 'https://ml.example.org/p/lab/churn'

function version(flavors: Record<string, unknown>, more: Partial<Details> = {}): Details {
  return { name: 'wine', version: 3, aliases: [], model_file: { flavors }, ...more } as Details
}

function codeOf(id: string, from: Details): string | undefined {
  return snippetsOf(from, ADDRESS).find((each) => each.id === id)?.code
}

describe('snippets', () => {
  const sklearn = version({ python_function: {}, sklearn: { pickled_model: 'model.skops' } })
  it('fit the flavours of the version', () => {
    expect(snippetsOf(sklearn, ADDRESS).map((each) => each.id)).toEqual([
      'pyfunc',
      'native',
      'management',
      'skops',
      'download',
    ])
    const onnx = version({ onnx: { data: 'model.onnx' } })
    expect(snippetsOf(onnx, ADDRESS).map((each) => each.id)).toEqual(['native', 'management', 'onnx', 'download'])
  })
  it('name this server, this project and the alias', () => {
    expect(codeOf('pyfunc', sklearn)).toContain(`set_tracking_uri("${ADDRESS}")`)
    expect(codeOf('pyfunc', sklearn)).toContain('"models:/wine/3"')
    expect(codeOf('pyfunc', version({}, { aliases: ['best'] }))).toContain('"models:/wine@best"')
    expect(codeOf('download', sklearn)).toContain(`${ADDRESS}/api/v1/models/wine/versions/3/artifacts/model.skops`)
  })
  it('let no name out of its quotes', () => {
    const odd = version({ 'x; import os': {}, sklearn: { pickled_model: "a'; rm -rf ~ #.pkl" } }, { name: 'a"b\n' })
    expect(codeOf('pyfunc', odd)).toBeUndefined()
    expect(snippetsOf(odd, ADDRESS).filter((each) => each.id === 'native')).toHaveLength(1)
    expect(codeOf('native', odd)).toContain('"models:/a\\"b\\n/3"')
    expect(codeOf('download', odd)).toContain("'a'\\''; rm -rf ~ #.pkl'")
    expect(registerCode('a"b', ADDRESS)).toContain('registered_model_name="a\\"b"')
  })
})
