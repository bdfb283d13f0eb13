import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { Failed, Loading } from '@/components/Notice'
import styles from './artifacts.module.css'
import { readText } from './bytes'
import { folderOf } from './kinds'
import { Markdown } from './Markdown'
import type { FileProps } from './source'
import { fileAddress, keyOf } from './source'
import { TextView } from './TextView'

const LARGEST = 200_000

/** A Markdown file, which the server has made safe; its pictures are files beside it. */
export function MarkdownView(file: FileProps): ReactElement {
  const { source, path, size } = file
  const { data, error, refetch } = useQuery({
    queryKey: ['artifact markdown', keyOf(source), path, size],
    queryFn: async ({ signal }) => ({ text: await readText(source, path, size, LARGEST, signal) }),
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!data) return <Loading />
  if (data.text === null) return <TextView {...file} />
  const folder = folderOf(path)
  return (
    <div className={styles.prose}>
      <Markdown text={data.text} base={fileAddress(source, folder ? `${folder}/` : '')} />
    </div>
  )
}
