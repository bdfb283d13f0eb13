import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Badge } from '@/components/Badge'
import { Table } from '@/components/Page'
import { Ago } from '@/components/Time'
import type { LineageNode } from './collapse'
import { NodeLink } from './NodeLink'

/** The same graph in words: each thing with what it came from. */
export function Hops({ lineage }: { lineage: Schemas['Lineage'] }): ReactElement {
  const { t } = useTranslation('lineage')
  const nodes = new Map(lineage.nodes.map((node) => [node.id, node]))
  const sources = Map.groupBy(lineage.edges, (edge) => edge.target)
  return (
    <Table label={t('title')}>
      <thead>
        <tr>
          <th scope="col">{t('kind')}</th>
          <th scope="col">{t('name')}</th>
          <th scope="col">{t('cameFrom')}</th>
          <th scope="col">{t('project')}</th>
          <th scope="col">{t('created')}</th>
        </tr>
      </thead>
      <tbody>
        {lineage.nodes.map((node) => (
          <tr key={node.id} aria-current={node.id === lineage.of || undefined}>
            <td>
              <Badge kind={node.id === lineage.of ? 'accent' : 'plain'}>{t(`kinds.${node.kind}`)}</Badge>
            </td>
            <td>
              <NodeLink node={node}>{node.title}</NodeLink>
            </td>
            <td>
              <Sources nodes={(sources.get(node.id) ?? []).flatMap((edge) => nodes.get(edge.source) ?? [])} />
            </td>
            <td>{node.project}</td>
            <td>
              <Ago time={node.created_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

function Sources({ nodes }: { nodes: LineageNode[] }): ReactElement {
  if (nodes.length === 0) return <span>–</span>
  return (
    <>
      {nodes.map((node, index) => (
        <span key={node.id}>
          {index > 0 && ', '}
          <NodeLink node={node}>{node.title}</NodeLink>
        </span>
      ))}
    </>
  )
}
