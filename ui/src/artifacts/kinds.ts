/** How a file is shown, by its name. */
export type Kind =
  'image' | 'audio' | 'video' | 'table' | 'json' | 'markdown' | 'html' | 'notebook' | 'onnx' | 'model' | 'text'

const EXTENSIONS: Partial<Record<Kind, string>> = {
  image: 'png jpg jpeg gif webp bmp ico avif svg',
  audio: 'wav mp3 ogg oga flac m4a aac opus',
  video: 'mp4 webm mov ogv m4v',
  table: 'csv tsv parquet pq',
  json: 'json geojson',
  markdown: 'md markdown',
  html: 'html htm',
  notebook: 'ipynb',
  onnx: 'onnx',
}
const KINDS = new Map(
  Object.entries(EXTENSIONS).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind as Kind] as const)),
)

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** What is not known by its name is text, until its bytes say that it is none. */
export function kindOf(path: string): Kind {
  const name = nameOf(path)
  if (name === 'MLmodel') return 'model'
  return KINDS.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) ?? 'text'
}

/** Kinds that are text as well: they can be looked at as they are written. */
export function isWritten(path: string): boolean {
  const kind = kindOf(path)
  return ['json', 'markdown', 'html', 'notebook', 'model'].includes(kind) || /\.(csv|tsv|svg)$/i.test(path)
}

/** Whether bytes are no text: one of them is zero, or many are no UTF-8. */
export function isBinary(bytes: Uint8Array): boolean {
  const begin = bytes.subarray(0, 8192)
  if (begin.includes(0)) return true
  const strange = new TextDecoder().decode(begin).split('\ufffd').length - 1
  return strange > begin.length / 20
}
