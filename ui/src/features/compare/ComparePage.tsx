import { getRouteApi } from '@tanstack/react-router'
import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Comparison } from '@/comparison/Comparison'
import { CodeBlock } from '@/components/CodeBlock'
import { Empty } from '@/components/Notice'
import { Page } from '@/components/Page'

const route = getRouteApi('/compare')

/** Runs of any experiments beside each other: `/compare?runs=a,b`. */
export function ComparePage(): ReactElement {
  const { t } = useTranslation('compare')
  const { runs } = route.useSearch()
  const ids = useMemo(() => [...new Set((runs ?? '').split(',').filter(Boolean))], [runs])
  return (
    <Page title={ids.length > 0 ? t('titleOf', { count: ids.length }) : t('title')}>
      {ids.length > 0 ? (
        <Comparison runIds={ids} />
      ) : (
        <Empty icon="compare" title={t('empty.title')}>
          <p>{t('empty.text')}</p>
          <CodeBlock code={`${window.location.origin}${window.location.pathname}?runs=RUN_ID,RUN_ID`} />
        </Empty>
      )}
    </Page>
  )
}
