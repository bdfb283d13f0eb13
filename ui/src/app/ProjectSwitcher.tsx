import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { place, projectAddress } from '@/api/place'
import { Button } from '@/components/Button'
import { TextField } from '@/components/Field'
import { Icon } from '@/components/Icon'
import { Popover } from '@/components/Menu'
import styles from './switcher.module.css'

const MOST = 30
const DEFAULT = 'default/default'

/** The project that the page is of, and the way to the others that one may see. */
export function ProjectSwitcher(): ReactElement {
  const { t } = useTranslation()
  const here = place.project ?? t('defaultProject')
  return (
    <Popover
      label={t('project')}
      trigger={
        <Button kind="quiet" className={styles.trigger} aria-label={`${t('project')}: ${here}`}>
          <Icon name="folder" />
          <span className={styles.here}>{here}</span>
          <Icon name="chevronDown" size={12} />
        </Button>
      }
    >
      <Projects />
    </Popover>
  )
}

function Projects(): ReactElement {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const { data, error } = useQuery({
    queryKey: ['projects', text],
    queryFn: ({ signal }) => {
      const query = { text: text || undefined, max_results: MOST }
      return unwrap(api.GET('/api/v1/projects', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
  })
  return (
    <div className={styles.projects}>
      <TextField
        label={t('switcher.find')}
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {error && <p role="alert">{error.message}</p>}
      {data?.items.length === 0 && <p className={styles.dim}>{t('switcher.nothing')}</p>}
      <ul className={styles.list}>
        {data?.items.map(({ path, description }) => {
          const isHere = path === (place.project ?? DEFAULT)
          return (
            <li key={path}>
              <a href={projectAddress(path === DEFAULT ? null : path)} aria-current={isHere ? 'page' : undefined}>
                <span>{path === DEFAULT ? t('defaultProject') : path}</span>
                {description && <span className={styles.dim}>{description}</span>}
              </a>
            </li>
          )
        })}
      </ul>
      {data?.next_page_token && <p className={styles.dim}>{t('switcher.more')}</p>}
    </div>
  )
}
