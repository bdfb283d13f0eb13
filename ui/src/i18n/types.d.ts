import 'i18next'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: {
      common: typeof import('./en/common').default
      home: typeof import('./en/home').default
      experiments: typeof import('./en/experiments').default
      runs: typeof import('./en/runs').default
      charts: typeof import('./en/charts').default
      run: typeof import('./en/run').default
      compare: typeof import('./en/compare').default
      artifacts: typeof import('./en/artifacts').default
      models: typeof import('./en/models').default
      catalog: typeof import('./en/catalog').default
      lineage: typeof import('./en/lineage').default
      admin: typeof import('./en/admin').default
      account: typeof import('./en/account').default
    }
  }
}
