import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { place } from '@/api/place'
import { Button } from '@/components/Button'
import { CodeBlock } from '@/components/CodeBlock'
import { Empty } from '@/components/Notice'
import type { CatalogSearch } from './search'

const ADDRESS = window.location.origin
const PUBLISH = `export MAINSPRING_URL=${ADDRESS}
mainspring projects create team/snow --topic sharinghub:dataset
mainspring --project team/snow files put data/`

/** Why there is nothing: what was asked for is too narrow, or nothing was published yet. */
export function NothingFound({ search, onClear }: { search: CatalogSearch; onClear: () => void }): ReactElement {
  const { t } = useTranslation('catalog')
  const isNarrowed = Object.entries(search).some(([key, value]) => value && !['map', 'order'].includes(key))
  if (isNarrowed) {
    return (
      <Empty icon="search" title={t('nothing.title')}>
        <p>{t('nothing.text')}</p>
        <Button onClick={onClear}>{t('nothing.clear')}</Button>
      </Empty>
    )
  }
  return (
    <Empty icon="catalog" title={t('empty.title')}>
      <p>{t('empty.text')}</p>
      <CodeBlock title={t('empty.code')} code={PUBLISH} />
      {place.project && <p>{t('empty.all')}</p>}
    </Empty>
  )
}
