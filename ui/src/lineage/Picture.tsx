import '@xyflow/react/dist/style.css'
import { Background, Controls, Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from '@xyflow/react'
import { useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Loading } from '@/components/Notice'
import type { Picture as Shape, Shown } from './collapse'
import { HEIGHT, WIDTH, type Place } from './layout'
import styles from './lineage.module.css'
import { NodeLink } from './NodeLink'

type Box = Node<{ shown: Shown; isOf: boolean }, 'box'>
const TYPES = { box: NodeBox }

/** The graph as a picture: boxes with links in them, to move about and to look closer at. */
export function Picture({ picture, of }: { picture: Shape; of: string }): ReactElement {
  const places = usePlaces(picture)
  if (!places) return <Loading />
  const shown = new Map(picture.shown.map((each) => [each.id, each]))
  const boxes = places.flatMap(({ id, x, y }): Box[] => {
    const found = shown.get(id)
    if (!found) return []
    const data = { shown: found, isOf: id === of }
    return [{ id, type: 'box', position: { x, y }, width: WIDTH, height: HEIGHT, data, draggable: false }]
  })
  const lines: Edge[] = picture.edges.map(({ source, target, kind }) => ({
    id: `${source}\n${target}`,
    source,
    target,
    ariaLabel: kind,
    focusable: false,
  }))
  return (
    <div className={styles.picture}>
      <ReactFlow
        nodes={boxes}
        edges={lines}
        nodeTypes={TYPES}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.15 }}
        minZoom={0.1}
        nodesConnectable={false}
        nodesFocusable={false}
        elementsSelectable={false}
        proOptions={{ hideAttribution: false }}
      >
        <Background gap={20} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  )
}

function NodeBox({ data: { shown, isOf } }: NodeProps<Box>): ReactElement {
  const { t } = useTranslation('lineage')
  const [first] = shown.nodes
  return (
    <div className={`${styles.box} ${isOf ? styles.of : ''}`} data-kind={shown.kind}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <span className={styles.kind}>{t(`kinds.${shown.kind}`)}</span>
      <span className={styles.name}>
        {shown.nodes.length === 1 ? (
          <NodeLink node={first!}>{first!.title}</NodeLink>
        ) : (
          t('several', { count: shown.nodes.length })
        )}
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  )
}

/** The places of the nodes, computed beside the page's own thread; null until they are known. */
function usePlaces(picture: Shape): Place[] | null {
  const [places, setPlaces] = useState<Place[] | null>(null)
  useEffect(() => {
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = (event: MessageEvent<Place[]>) => setPlaces(event.data)
    worker.postMessage([picture.shown.map((each) => each.id), picture.edges])
    return () => worker.terminate()
  }, [picture])
  return places
}
