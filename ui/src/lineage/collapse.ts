import type { Schemas } from '@/api/client'

export type LineageNode = Schemas['LineageNode']
export type LineageEdge = Schemas['LineageEdge']
export type NodeKind = LineageNode['kind']

/** What the picture shows: a thing, or all of one kind that hang on the same things, as one. */
export interface Shown {
  id: string
  kind: NodeKind
  nodes: LineageNode[]
}

export interface Picture {
  shown: Shown[]
  edges: { source: string; target: string; kind: string }[]
}

/** Put the nodes of the collapsed kinds together, but for the one that was asked for. */
export function collapse(
  nodes: LineageNode[],
  edges: LineageEdge[],
  of: string,
  kinds: ReadonlySet<NodeKind>,
): Picture {
  const group = (node: LineageNode) => (kinds.has(node.kind) && node.id !== of ? `all:${node.kind}` : node.id)
  const groups = Map.groupBy(nodes, group)
  const shown = [...groups].map(([id, members]) => ({ id, kind: members[0]!.kind, nodes: members }))
  const groupOf = new Map(nodes.map((node) => [node.id, group(node)]))
  const joined = new Map<string, Picture['edges'][number]>()
  for (const { source, target, kind } of edges) {
    const ends = [groupOf.get(source), groupOf.get(target)] as const
    if (!ends[0] || !ends[1] || ends[0] === ends[1]) continue
    joined.set(ends.join('\n'), { source: ends[0], target: ends[1], kind })
  }
  return { shown, edges: [...joined.values()] }
}
