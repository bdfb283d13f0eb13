import type { ReactElement } from 'react'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { place } from '@/api/place'
import { Failed, Loading, NotThere } from '@/components/Notice'
import { readAdminSearch } from '@/features/admin/search'
import { readCatalogSearch, readItemSearch } from '@/features/catalog/search'
import { readCompareSearch } from '@/features/compare/search'
import { readExperimentsSearch } from '@/features/experiments/search'
import { readLineageSearch } from '@/features/lineage/search'
import { readModelSearch, readModelsSearch, readVersionSearch } from '@/features/models/search'
import { readRunSearch } from '@/features/run/search'
import { readRunsSearch } from '@/features/runs/search'
import { loadWords } from '@/i18n'
import { Shell } from './Shell'

/** Every page: its path below `/-`, what its query may hold, and the chunk that it comes in. */

type Component = () => ReactElement | null

/** A page in a chunk of its own, which comes with the words of its area. */
function page<Name extends string>(area: string, load: () => Promise<Record<Name, Component>>, name: Name) {
  return lazyRouteComponent(async () => (await Promise.all([load(), loadWords(area)]))[0], name)
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotThere })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: page('home', () => import('@/features/home/HomePage'), 'HomePage'),
})
const experiments = createRoute({
  getParentRoute: () => root,
  path: '/experiments',
  validateSearch: readExperimentsSearch,
  component: page('experiments', () => import('@/features/experiments/ExperimentsPage'), 'ExperimentsPage'),
})
const runs = createRoute({
  getParentRoute: () => root,
  path: '/experiments/$experimentId',
  validateSearch: readRunsSearch,
  component: page('runs', () => import('@/features/runs/RunsPage'), 'RunsPage'),
})
const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$runId',
  validateSearch: readRunSearch,
  component: page('run', () => import('@/features/run/RunPage'), 'RunPage'),
})
const compare = createRoute({
  getParentRoute: () => root,
  path: '/compare',
  validateSearch: readCompareSearch,
  component: page('compare', () => import('@/features/compare/ComparePage'), 'ComparePage'),
})
const models = createRoute({
  getParentRoute: () => root,
  path: '/models',
  validateSearch: readModelsSearch,
  component: page('models', () => import('@/features/models/ModelsPage'), 'ModelsPage'),
})
const model = createRoute({
  getParentRoute: () => root,
  path: '/models/$name',
  validateSearch: readModelSearch,
  component: page('models', () => import('@/features/models/ModelPage'), 'ModelPage'),
})
const version = createRoute({
  getParentRoute: () => root,
  path: '/models/$name/versions/$version',
  validateSearch: readVersionSearch,
  component: page('models', () => import('@/features/models/VersionPage'), 'VersionPage'),
})
const catalog = createRoute({
  getParentRoute: () => root,
  path: '/catalog',
  validateSearch: readCatalogSearch,
  component: page('catalog', () => import('@/features/catalog/CatalogPage'), 'CatalogPage'),
})
const item = createRoute({
  getParentRoute: () => root,
  path: '/catalog/$collection/$itemId',
  validateSearch: readItemSearch,
  component: page('catalog', () => import('@/features/catalog/ItemPage'), 'ItemPage'),
})
const lineage = createRoute({
  getParentRoute: () => root,
  path: '/lineage',
  validateSearch: readLineageSearch,
  component: page('lineage', () => import('@/features/lineage/LineagePage'), 'LineagePage'),
})
const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin/{-$section}',
  validateSearch: readAdminSearch,
  component: page('admin', () => import('@/features/admin/AdminPage'), 'AdminPage'),
})
const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: page('account', () => import('@/features/account/AccountPage'), 'AccountPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    experiments,
    runs,
    run,
    compare,
    models,
    model,
    version,
    catalog,
    item,
    lineage,
    admin,
    account,
  ]),
  basepath: place.base,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error as Error} retry={reset} />,
  defaultNotFoundComponent: NotThere,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
