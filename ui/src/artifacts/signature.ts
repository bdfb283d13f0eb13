/** A column, tensor or parameter of a signature, as MLflow writes it into `MLmodel`. */
export interface SignatureField {
  name: string
  type: string
  isRequired: boolean
}

interface Written {
  name?: string
  type?: string
  required?: boolean
  default?: unknown
  'tensor-spec'?: { dtype?: string; shape?: number[] }
  items?: Written
  values?: Written
  properties?: Record<string, Written>
}

/** Read the JSON text of a part of a signature; what is none has no fields. */
export function readSignature(text: unknown): SignatureField[] {
  if (typeof text !== 'string') return []
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    return []
  }
  return Array.isArray(fields) ? fields.filter(isWritten).map(fieldOf) : []
}

function isWritten(value: unknown): value is Written {
  return typeof value === 'object' && value !== null
}

function fieldOf(field: Written): SignatureField {
  const isRequired = field.required ?? !('default' in field)
  return { name: field.name ?? '', type: typeOf(field, 0), isRequired }
}

function typeOf(field: Written, depth: number): string {
  const tensor = field['tensor-spec']
  if (tensor)
    return `${tensor.dtype ?? '?'} [${(tensor.shape ?? []).map((size) => (size < 0 ? '?' : size)).join(', ')}]`
  if (depth > 5) return '…'
  if (field.items) return `${field.type}<${typeOf(field.items, depth + 1)}>`
  if (field.values) return `${field.type}<${typeOf(field.values, depth + 1)}>`
  if (field.properties) {
    const inner = Object.entries(field.properties).map(([name, each]) => `${name}: ${typeOf(each, depth + 1)}`)
    return `{${inner.join(', ')}}`
  }
  return String(field.type ?? '?')
}
