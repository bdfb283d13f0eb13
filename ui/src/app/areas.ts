/** What the page is made of, in the order of the left side; `g` and the key go there. */
export const AREAS = [
  { name: 'home', to: '/', icon: 'home', key: 'h' },
  { name: 'experiments', to: '/experiments', icon: 'experiments', key: 'e' },
  { name: 'models', to: '/models', icon: 'models', key: 'm' },
  { name: 'catalog', to: '/catalog', icon: 'catalog', key: 'c' },
  { name: 'lineage', to: '/lineage', icon: 'lineage', key: 'l' },
  { name: 'admin', to: '/admin/{-$section}', icon: 'admin', key: 'a' },
] as const
