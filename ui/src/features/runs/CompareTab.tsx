import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Comparison } from '@/comparison/Comparison'
import { buttonClass } from '@/components/Button'
import { Empty } from '@/components/Notice'
import type { RunsSearch } from './search'

/** The selected runs beside each other. */
export function CompareTab({ search }: { search: RunsSearch }): ReactElement {
  const { t } = useTranslation('runs')
  if (search.sel) return <Comparison runIds={search.sel} />
  return (
    <Empty icon="compare" title={t('compare.none')}>
      <p>{t('compare.noneText')}</p>
      <Link to="." search={{ ...search, tab: undefined }} className={buttonClass()}>
        {t('compare.toTable')}
      </Link>
    </Empty>
  )
}
