import type { Permission } from '@/api/me'
import type { IconName } from '@/components/Icon'

/** The parts of the administration, and what one must be allowed to see of each. */
export const SECTIONS = [
  { name: 'members', icon: 'user', needs: 'project:read' },
  { name: 'permissions', icon: 'eye', needs: 'project:read' },
  { name: 'configuration', icon: 'settings', needs: 'configuration:read' },
  { name: 'secrets', icon: 'lock', needs: 'secrets:read' },
  { name: 'webhooks', icon: 'link', needs: 'webhooks:manage' },
  { name: 'audit', icon: 'table', needs: 'audit:read' },
  { name: 'quotas', icon: 'chart', needs: 'project:read' },
  { name: 'users', icon: 'user', needs: 'users:manage' },
  { name: 'groups', icon: 'group', needs: 'signed_in' },
  { name: 'health', icon: 'info', needs: 'signed_in' },
] as const satisfies readonly { name: string; icon: IconName; needs: Permission }[]

export type SectionName = (typeof SECTIONS)[number]['name']
