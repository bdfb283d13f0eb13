import type { Schemas } from '@/api/client'

export type Run = Schemas['Run']
