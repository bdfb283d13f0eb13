import { Link } from '@tanstack/react-router'
import type { ReactElement, ReactNode } from 'react'
import { place, projectAddress } from '@/api/place'
import type { LineageNode } from './collapse'

const DEFAULT = 'default/default'

/** A link to the page of a node, in whatever project it is; just its words where it has no page. */
export function NodeLink({ node, children }: { node: LineageNode; children: ReactNode }): ReactElement {
  const page = pageOf(node)
  if (!page) return <span>{children}</span>
  const project = node.project === DEFAULT ? null : node.project
  if (node.project && project !== place.project) return <a href={projectAddress(project, page.slice(1))}>{children}</a>
  return <Link to={page}>{children}</Link>
}

/** The page of a node below `/-`. Ids are as `docs/how-to/trace-lineage.md` tells them. */
export function pageOf({ id, kind, project, url }: LineageNode): string | null {
  const rest = id.slice(kind.length + 1)
  if (kind === 'run') return `/runs/${rest}`
  if (kind === 'model_version') {
    const own = project && rest.startsWith(`${project}/`) ? rest.slice(project.length + 1) : rest
    const cut = own.lastIndexOf('/')
    return `/models/${encodeURIComponent(own.slice(0, cut))}/versions/${own.slice(cut + 1)}`
  }
  const item = /\/collections\/([^/]+)\/items\/([^/]+)$/.exec(url ?? '')
  if (kind === 'item' && item) return `/catalog/${item[1]}/${item[2]}`
  return null
}
