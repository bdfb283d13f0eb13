import { useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { api, unwrap } from '@/api/client'
import { useMay } from '@/api/me'
import { Button } from '@/components/Button'
import { FormDialog } from '@/components/Dialog'
import { TextField } from '@/components/Field'
import { Menu, MenuGroup, MenuItem, MenuLine } from '@/components/Menu'
import { useToast } from '@/components/Toast'
import { readView, type RunsSearch, type RunsView } from './search'

const PREFIX = 'mainspring.view.'

/** Views that everybody finds under a name: the filter, the sort and the columns, kept as tags of the experiment. */
export function Views({
  experimentId,
  tags,
  search,
  onOpen,
}: {
  experimentId: string
  tags: Record<string, string>
  search: RunsSearch
  onOpen: (view: RunsView) => void
}): ReactElement {
  const { t } = useTranslation('runs')
  const client = useQueryClient()
  const toast = useToast()
  const mayWrite = useMay('tracking:write')
  const [isSaving, setSaving] = useState(false)
  const saved = Object.entries(tags).flatMap(([key, value]) => {
    const view = key.startsWith(PREFIX) ? parseView(value) : null
    return view ? [{ name: key.slice(PREFIX.length), key, view }] : []
  })
  const refresh = () => client.invalidateQueries({ queryKey: ['experiment', experimentId] })
  const path = (key: string) => ({ params: { path: { experiment_id: experimentId, key } } })

  async function save(name: string, value: string): Promise<void> {
    await unwrap(api.PUT('/api/v1/experiments/{experiment_id}/tags/{key}', { ...path(PREFIX + name), body: { value } }))
    await refresh()
  }
  async function remove(name: string, key: string): Promise<void> {
    const value = tags[key]!
    await unwrap(api.DELETE('/api/v1/experiments/{experiment_id}/tags/{key}', path(key)))
    await refresh()
    toast(t('views.deleted', { name }), { action: { label: t('bulk.undo'), run: () => void save(name, value) } })
  }
  return (
    <>
      <Menu
        trigger={
          <Button icon="star">
            {t('views.title')}
            {saved.length > 0 && ` · ${saved.length}`}
          </Button>
        }
      >
        <MenuGroup label={saved.length > 0 ? t('views.saved') : t('views.none')} />
        {saved.map(({ name, key, view }) => (
          <MenuItem key={key} icon="table" onSelect={() => onOpen(view)}>
            {name}
          </MenuItem>
        ))}
        <MenuLine />
        {mayWrite && (
          <MenuItem icon="plus" onSelect={() => setSaving(true)}>
            {t('views.save')}
          </MenuItem>
        )}
        <MenuItem icon="restore" onSelect={() => onOpen({})}>
          {t('views.reset')}
        </MenuItem>
        {mayWrite && saved.length > 0 && (
          <>
            <MenuLine />
            {saved.map(({ name, key }) => (
              <MenuItem key={key} icon="trash" danger onSelect={() => void remove(name, key)}>
                {t('views.delete', { name })}
              </MenuItem>
            ))}
          </>
        )}
      </Menu>
      <FormDialog
        open={isSaving}
        onClose={() => setSaving(false)}
        title={t('views.save')}
        description={t('views.saveText')}
        submit={t('views.save')}
        send={(form) => save(String(form.get('name')).trim(), JSON.stringify(readView({ ...search })))}
      >
        <TextField label={t('views.name')} name="name" required maxLength={100} autoComplete="off" />
      </FormDialog>
    </>
  )
}

/** The view that a tag holds, null for a text that is none. */
function parseView(value: string): RunsView | null {
  try {
    const found: unknown = JSON.parse(value)
    return typeof found === 'object' && found !== null ? readView(found as Record<string, unknown>) : null
  } catch {
    return null
  }
}
