/** Where the page is: `/-` of the server, or `/p/<namespace>/<project>/-` of a project. */
export interface Place {
  /** What the router takes for its root. */
  base: string
  /** What stands before `/api/…`: empty for the default project. */
  prefix: string
  /** The project's path, null for the default project. */
  project: string | null
}

export function readPlace(pathname: string): Place {
  const found = /^(?<prefix>\/p\/(?<project>.+?))?\/-(?=\/|$)/.exec(pathname)
  const prefix = found?.groups?.prefix ?? ''
  return { base: `${prefix}/-`, prefix, project: found?.groups?.project ? decodeURI(found.groups.project) : null }
}

export const place = readPlace(window.location.pathname)

/** The address of a page of another project; null is the default one. */
export function projectAddress(project: string | null, page = ''): string {
  return `${project ? `/p/${project}` : ''}/-/${page}`
}
