import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError, api, unwrap } from '@/api/client'
import { Button } from '@/components/Button'
import { TextField } from '@/components/Field'
import { Failed, Loading, Notice } from '@/components/Notice'
import { Card, Page } from '@/components/Page'
import { useToast } from '@/components/Toast'
import styles from './account.module.css'
import { Keys } from './Keys'
import { Sessions } from './Sessions'

/** One's own name, password, keys and sessions. */
export function AccountPage(): ReactElement {
  const { t } = useTranslation('account')
  const queries = useQueryClient()
  const {
    data: user,
    error,
    refetch,
  } = useQuery({
    queryKey: ['account', 'me'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/users/me', { signal })),
  })
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (!user) return <Loading />
  async function save(form: FormData): Promise<void> {
    const body = { display_name: String(form.get('display')), email: String(form.get('email')) }
    await unwrap(api.PATCH('/api/v1/users/me', { body }))
    await queries.invalidateQueries({ queryKey: ['account'] })
  }
  async function changePassword(form: FormData): Promise<void> {
    const body = { current_password: String(form.get('current')), new_password: String(form.get('next')) }
    await unwrap(api.PUT('/api/v1/users/me/password', { body }))
  }
  return (
    <Page title={t('title')} beside={user.name}>
      <div className={styles.columns}>
        <Card title={t('you')}>
          <Form submit={t('save')} done={t('saved')} send={save}>
            <TextField name="display" label={t('display')} defaultValue={user.display_name} autoComplete="name" />
            <TextField
              name="email"
              type="email"
              label={t('email')}
              defaultValue={user.email ?? ''}
              autoComplete="email"
            />
          </Form>
        </Card>
        {user.has_password && (
          <Card title={t('password')}>
            <Form submit={t('change')} done={t('passwordChanged')} send={changePassword}>
              <TextField name="current" type="password" label={t('current')} required autoComplete="current-password" />
              <TextField name="next" type="password" label={t('next')} required autoComplete="new-password" />
            </Form>
          </Card>
        )}
      </div>
      <Keys />
      <Sessions />
    </Page>
  )
}

function Form({
  submit,
  done,
  send,
  children,
}: {
  submit: string
  done: string
  send: (form: FormData) => Promise<void>
  children: ReactNode
}): ReactElement {
  const toast = useToast()
  const [wrong, setWrong] = useState<ApiError | null>(null)
  async function onSubmit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    setWrong(null)
    try {
      await send(new FormData(event.currentTarget))
      toast(done)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setWrong(error)
    }
  }
  return (
    <form className={styles.form} onSubmit={(event) => void onSubmit(event)}>
      {children}
      {wrong && <Notice kind="bad">{wrong.message}</Notice>}
      <div>
        <Button type="submit">{submit}</Button>
      </div>
    </form>
  )
}
