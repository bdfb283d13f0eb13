import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, ApiError, unwrap } from '@/api/client'
import { useMay, useMe } from '@/api/me'
import { Badge, type BadgeKind } from '@/components/Badge'
import { Button } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextArea } from '@/components/Field'
import type { IconName } from '@/components/Icon'
import { Empty, Loading } from '@/components/Notice'
import { Card } from '@/components/Page'
import { Ago } from '@/components/Time'
import { useToast } from '@/components/Toast'
import { useRefresh } from './data'
import { StageBadge } from './Marks'
import type { StageRequest } from './models'
import styles from './models.module.css'

const LOOKS: Record<StageRequest['state'], [BadgeKind, IconName]> = {
  open: ['accent', 'clock'],
  approved: ['good', 'check'],
  rejected: ['bad', 'close'],
  withdrawn: ['plain', 'restore'],
}

/** What was asked of the stages of versions, with ways to decide. */
export function Requests({ requests }: { requests: StageRequest[] | undefined }): ReactElement {
  const { t } = useTranslation('models')
  if (!requests) return <Loading />
  if (requests.length === 0) {
    return (
      <Empty icon="check" title={t('requests.none')}>
        <p>{t('requests.noneText')}</p>
      </Empty>
    )
  }
  return (
    <Card>
      <ul className={styles.requests} aria-label={t('tabs.requests')}>
        {requests.map((each) => (
          <Request key={each.id} request={each} />
        ))}
      </ul>
    </Card>
  )
}

function Request({ request }: { request: StageRequest }): ReactElement {
  const { t } = useTranslation('models')
  const [kind, icon] = LOOKS[request.state]
  return (
    <li className={styles.request}>
      <div className={styles.chips}>
        <Badge kind={kind} icon={icon}>
          {t(`requests.states.${request.state}`)}
        </Badge>
        <Link
          to="/models/$name/versions/$version"
          params={{ name: request.name, version: String(request.version) }}
          className={styles.number}
        >
          {t('version', { version: request.version })}
        </Link>
        <span aria-hidden="true">→</span>
        <StageBadge stage={request.stage} />
        {request.archive_existing && <span className={styles.dim}>{t('requests.archives')}</span>}
      </div>
      <div className={`${styles.dim} ${styles.small}`}>
        {t('requests.asked', { user: request.user_id })} <Ago time={request.created_at} />
      </div>
      {request.comment && <p className={styles.quote}>{request.comment}</p>}
      {request.decided_by && (
        <div className={`${styles.dim} ${styles.small}`}>
          {t('requests.decided', { user: request.decided_by })} <Ago time={request.decided_at} />
        </div>
      )}
      {request.decision && <p className={styles.quote}>{request.decision}</p>}
      {request.state === 'open' && <Deciding request={request} />}
    </li>
  )
}

function Deciding({ request }: { request: StageRequest }): ReactElement | null {
  const { t } = useTranslation('models')
  const mayDecide = useMay('project:manage')
  const mayWrite = useMay('registry:write')
  const me = useMe()
  const refresh = useRefresh()
  const toast = useToast()
  const [deciding, setDeciding] = useState<'approve' | 'reject' | null>(null)
  const params = { path: { request_id: request.id } }

  async function decide(form: FormData): Promise<void> {
    const body = { approve: deciding === 'approve', comment: String(form.get('comment')) }
    await unwrap(api.POST('/api/v1/model-requests/{request_id}/decision', { params, body }))
    await refresh()
  }

  async function withdraw(): Promise<void> {
    try {
      await unwrap(api.DELETE('/api/v1/model-requests/{request_id}', { params }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return toast(error.message, { kind: 'bad' })
    }
    await refresh()
  }

  if (!mayWrite) return null
  return (
    <div className={styles.chips}>
      {mayDecide && (
        <>
          <Button small kind="primary" icon="check" onClick={() => setDeciding('approve')}>
            {t('requests.approve')}
          </Button>
          <Button small icon="close" onClick={() => setDeciding('reject')}>
            {t('requests.reject')}
          </Button>
        </>
      )}
      {(mayDecide || me?.name === request.user_id) && (
        <Button small kind="quiet" onClick={() => void withdraw()}>
          {t('requests.withdraw')}
        </Button>
      )}
      {deciding && (
        <FormDialog
          open
          onClose={() => setDeciding(null)}
          title={t(`requests.${deciding}Title`, { version: request.version, name: request.name })}
          description={t(`requests.${deciding}Text`, { stage: t(`stages.${request.stage}`) })}
          submit={t(`requests.${deciding}`)}
          danger={deciding === 'reject'}
          send={decide}
        >
          <div className={styles.fields}>
            <TextArea label={t('comment')} name="comment" maxLength={4000} />
          </div>
        </FormDialog>
      )}
    </div>
  )
}
