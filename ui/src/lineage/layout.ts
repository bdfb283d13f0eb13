import { Graph, layout } from '@dagrejs/dagre'

/** Where a node stands: its upper left corner, in pixels. */
export interface Place {
  id: string
  x: number
  y: number
}

export const WIDTH = 208
export const HEIGHT = 56

/** Place the nodes of a graph from left to right, what comes of a thing after it. */
export function placeNodes(ids: string[], edges: { source: string; target: string }[]): Place[] {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 20, ranksep: 64 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const id of ids) graph.setNode(id, { width: WIDTH, height: HEIGHT })
  for (const { source, target } of edges) graph.setEdge(source, target)
  layout(graph)
  return ids.map((id) => {
    const { x, y } = graph.node(id) as { x: number; y: number }
    return { id, x: x - WIDTH / 2, y: y - HEIGHT / 2 }
  })
}
