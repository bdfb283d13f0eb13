import { api, address, unwrap, type Schemas } from '@/api/client'

/** Whose files are shown. */
export type ArtifactSource =
  | { kind: 'run'; runId: string }
  | { kind: 'version'; name: string; version: number }
  | { kind: 'logged-model'; modelId: string }

export type Artifact = Schemas['Artifact']
export type Preview = Schemas['Preview']

const PAGE = 1000

/** A word for whose files these are, for keys. */
export function keyOf(source: ArtifactSource): string {
  return ownerOf(source).join('/')
}

/** The address of a file. `frame` is that of a page of HTML which is to be shown. */
export function fileAddress(source: ArtifactSource, path: string, frame?: Schemas['Frame']): string {
  return address(...ownerOf(source), 'artifacts', path) + (frame ? `?frame=${frame}` : '')
}

/** The URI by which MLflow's clients know a file, or a folder. */
export function uriOf(source: ArtifactSource, path: string): string {
  const begin = {
    run: () => `runs:/${(source as { runId: string }).runId}`,
    version: () => `models:/${(source as { name: string }).name}/${(source as { version: number }).version}`,
    'logged-model': () => `models:/${(source as { modelId: string }).modelId}`,
  }[source.kind]()
  return path ? `${begin}/${path}` : begin
}

function ownerOf(source: ArtifactSource): string[] {
  if (source.kind === 'run') return ['runs', source.runId]
  if (source.kind === 'logged-model') return ['logged-models', source.modelId]
  return ['models', source.name, 'versions', String(source.version)]
}

/** A page of what lies directly in a folder. Throws ApiError. */
export function listFolder(
  source: ArtifactSource,
  path: string,
  pageToken?: string | null,
  signal?: AbortSignal,
): Promise<Schemas['Artifacts']> {
  const query = { path, max_results: PAGE, page_token: pageToken ?? undefined }
  if (source.kind === 'run') {
    const params = { path: { run_id: source.runId }, query }
    return unwrap(api.GET('/api/v1/runs/{run_id}/artifacts', { params, signal }))
  }
  if (source.kind === 'logged-model') {
    const params = { path: { model_id: source.modelId }, query }
    return unwrap(api.GET('/api/v1/logged-models/{model_id}/artifacts', { params, signal }))
  }
  const params = { path: { name: source.name, version: source.version }, query }
  return unwrap(api.GET('/api/v1/models/{name}/versions/{version}/artifacts', { params, signal }))
}

/** The part of an address behind `/api/v1` and the project: what `request` wants. */
export function previewPath(source: ArtifactSource, path: string, pageToken: string | null): string {
  const token = pageToken ? `?page_token=${encodeURIComponent(pageToken)}` : ''
  return apiPath(...ownerOf(source), 'previews', path) + token
}

export function filePath(source: ArtifactSource, path: string): string {
  return apiPath(...ownerOf(source), 'artifacts', path)
}

function apiPath(...parts: string[]): string {
  return `/api/v1/${parts.map((part) => part.split('/').map(encodeURIComponent).join('/')).join('/')}`
}

/** What a view of a file is given. */
export interface FileProps {
  source: ArtifactSource
  path: string
  size: number
}
