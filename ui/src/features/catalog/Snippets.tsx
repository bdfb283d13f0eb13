import type { ReactElement } from 'react'
import { CodeBlock } from '@/components/CodeBlock'
import styles from './catalog.module.css'
import { projectOf, textOf, type StacItem } from './stac'

const ADDRESS = window.location.origin

/** How programs get at an item, with this server's own address. */
export function Snippets({ item }: { item: StacItem }): ReactElement {
  return (
    <div className={styles.snippets}>
      {snippets(item).map(([title, code]) => (
        <CodeBlock key={title} title={title} code={code} />
      ))}
    </div>
  )
}

function snippets(item: StacItem): [string, string][] {
  const project = projectOf(item)
  const found: [string, string][] = [
    [
      'pystac-client',
      `from pystac_client import Client

catalog = Client.open("${ADDRESS}/api/stac")
item = next(catalog.search(ids=["${item.id}"], collections=["${item.collection}"]).items())`,
    ],
    [
      'huggingface_hub',
      `import os
os.environ["HF_ENDPOINT"] = "${ADDRESS}"

from huggingface_hub import snapshot_download

folder = snapshot_download("${project}"${item.collection === 'dataset' ? ', repo_type="dataset"' : ''})`,
    ],
    ['mainspring', `mainspring --url ${ADDRESS} --project ${project} files list`],
  ]
  const tracking = textOf(item, 'mlflow:tracking_uri')
  if (tracking) found.push(['mlflow', `import mlflow\n\nmlflow.set_tracking_uri("${tracking}")`])
  const store = item.properties['sharinghub:dvc-init']
  if (typeof store === 'string' && store !== 'disable') found.push(['dvc', store])
  return found
}
