/** How a version is used, as code to copy. */
import { place } from '@/api/place'
import type { Details } from './models'

export interface Snippet {
  id: 'pyfunc' | 'native' | 'management' | 'skops' | 'onnx' | 'download'
  language: string
  code: string
}

/** Flavours whose module is not called as they are, or that no one loads by themselves. */
const MODULES: Record<string, string> = { python_function: '', spark_udf: '', model_management: '' }
/** Flavours whose models `model_management` loads. */
const SINGLE_FILE = ['model_management', 'sklearn', 'onnx']
const NAME = /^[a-z][a-z0-9_]*$/

/** Return the snippets that fit a version, for the server at an address. */
export function snippetsOf(version: Details, address = window.location.origin + place.prefix): Snippet[] {
  const flavours = version.model_file?.flavors ?? {}
  const alias = version.aliases?.[0]
  const uri = alias ? `models:/${version.name}@${alias}` : `models:/${version.name}/${version.version}`
  const begin = `import mlflow\n\nmlflow.set_tracking_uri(${py(address)})\n`
  const file = `mlflow.artifacts.download_artifacts(${py(uri)})`
  const found: Snippet[] = []
  if ('python_function' in flavours || Object.keys(flavours).length === 0) {
    const code = `${begin}model = mlflow.pyfunc.load_model(${py(uri)})\nmodel.predict(data)\n`
    found.push({ id: 'pyfunc', language: 'Python', code })
  }
  for (const flavour of Object.keys(flavours)) {
    const module = MODULES[flavour] ?? flavour
    if (!module || !NAME.test(module)) continue
    found.push({ id: 'native', language: module, code: `${begin}model = mlflow.${module}.load_model(${py(uri)})\n` })
  }
  if (SINGLE_FILE.some((flavour) => flavour in flavours)) {
    const code = `from model_management import create_registry

model = create_registry(${py(address)}).load_model(${py(version.name)}, version=${version.version})
`
    found.push({ id: 'management', language: 'Python', code })
  }
  const pickled = textOf(flavours['sklearn'], 'pickled_model')
  if (pickled?.endsWith('.skops')) {
    found.push({
      id: 'skops',
      language: 'Python',
      code: `${begin.replace('import mlflow\n', 'import mlflow\nimport skops.io\n')}path = ${file} + ${py(`/${pickled}`)}
print(skops.io.get_untrusted_types(file=path))
# Name those of the printed types that you trust.
model = skops.io.load(path, trusted=[])
`,
    })
  }
  const onnx = textOf(flavours['onnx'], 'data')
  if (onnx) {
    found.push({
      id: 'onnx',
      language: 'Python',
      code: `${begin.replace('import mlflow\n', 'import mlflow\nimport onnxruntime\n')}path = ${file} + ${py(`/${onnx}`)}
session = onnxruntime.InferenceSession(path)
session.run(None, {session.get_inputs()[0].name: data})
`,
    })
  }
  const files = `${address}/api/v1/models/${encodeURIComponent(version.name)}/versions/${version.version}/artifacts`
  const main = pickled ?? onnx ?? 'MLmodel'
  const code = `curl --fail --location --header "Authorization: Bearer $MLFLOW_TRACKING_TOKEN" \\
  --output ${sh(main.split('/').at(-1) ?? 'MLmodel')} ${sh(`${files}/${main.split('/').map(encodeURIComponent).join('/')}`)}
`
  return [...found, { id: 'download', language: 'Shell', code }]
}

/** Return how a version is made from a run, for a server at an address. */
export function registerCode(name: string, address = window.location.origin + place.prefix): string {
  return `import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(${py(address)})
iris = load_iris(as_frame=True)

with mlflow.start_run():
    model = LogisticRegression(max_iter=200).fit(iris.data, iris.target)
    mlflow.log_metric("accuracy", model.score(iris.data, iris.target))
    mlflow.sklearn.log_model(
        model, name="model", input_example=iris.data[:2], registered_model_name=${py(name)}
    )
`
}

function textOf(flavour: unknown, key: string): string | null {
  const value = typeof flavour === 'object' && flavour !== null ? (flavour as Record<string, unknown>)[key] : null
  return typeof value === 'string' && value ? value : null
}

/** A string of Python: JSON's escapes are Python's too. */
function py(text: string): string {
  return JSON.stringify(text)
}

/** A word of a shell. */
function sh(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
