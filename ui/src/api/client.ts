import createClient from 'openapi-fetch'
import { place } from './place'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Problem = Schemas['Problem']

/** What the server refused, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | null
  readonly requestId: string | null

  constructor(status: number, problem: Partial<Problem> = {}) {
    super(problem.detail ?? (status ? `The server answered with status ${status}.` : 'The server cannot be reached.'))
    this.status = status
    this.code = problem.code ?? (status ? 'internal' : 'unreachable')
    this.field = problem.field ?? null
    this.requestId = problem.request_id ?? null
  }
}

/** The API of the project that the page is of: `api.GET('/api/v1/runs/{run_id}', …)`, typed by the OpenAPI document. */
export const api = createClient<paths>({ baseUrl: window.location.origin + place.prefix, fetch: ask })

/** Return the data of an answer. Throws ApiError. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer
  if (!response.ok) throw new ApiError(response.status, asProblem(error))
  return data as T
}

/**
 * Ask for what the OpenAPI document does not describe, files say; `path` begins with `/api/`. Another project's is
 * asked for by its `prefix`. Throws ApiError.
 */
export async function request(path: string, init: RequestInit = {}, prefix = place.prefix): Promise<Response> {
  const response = await ask(new Request(prefix + path, init))
  if (!response.ok) throw new ApiError(response.status, asProblem(await response.json().catch(() => undefined)))
  return response
}

/** Return the address of a file of the API, for `src` and `href`; each part of `parts` may hold anything. */
export function address(...parts: string[]): string {
  return `${place.prefix}/api/v1/${parts.map((part) => part.split('/').map(encodeURIComponent).join('/')).join('/')}`
}

async function ask(input: Request): Promise<Response> {
  let response: Response
  try {
    response = await fetch(input)
  } catch (error) {
    if (input.signal.aborted) throw error
    throw new ApiError(0)
  }
  if (response.status === 401) signIn()
  return response
}

/** Leave for the page where one signs in, which leads back to here. */
export function signIn(): void {
  const { pathname, search } = window.location
  window.location.assign(`/login?next=${encodeURIComponent(pathname + search)}`)
}

function asProblem(error: unknown): Partial<Problem> {
  return typeof error === 'object' && error !== null ? (error as Partial<Problem>) : {}
}
