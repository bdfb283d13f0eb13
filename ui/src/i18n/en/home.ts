const words = {
  title: 'Home',
  running: 'Running now',
  nothingRuns: 'Nothing runs at the moment.',
  recent: 'Recent runs',
  visited: 'Where you were',
  models: 'Newest models',
  allExperiments: 'All experiments',
  allModels: 'All models',
  run: 'Run',
  experiment: 'Experiment',
  status: 'Status',
  started: 'Started',
  took: 'Took',
  noProject: {
    title: 'You have no role in this project',
    text: 'Choose another one, look into the catalog, or ask an owner for a role.',
    yours: 'Your projects',
    none: 'There is no project that you may see yet.',
  },
  quickstart: {
    title: 'Log something',
    text: 'Any MLflow client logs here, as it is. What it logs appears on this page at once.',
    python: 'Python',
    shell: 'Shell: for programs that are MLflow clients already',
    waiting: 'Waiting for the first run …',
  },
}

export default words
