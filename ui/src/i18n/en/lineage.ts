const words = {
  title: 'Lineage',
  of: 'Of what',
  ofHint: 'run:<id>, model_version:<model>/<version>, dataset:<name>@<digest> or item:<id>',
  show: 'Show',
  hops: 'Hops',
  direction: 'Direction',
  directions: { both: 'Both ways', up: 'What it came from', down: 'What came of it' },
  collapse: 'Show as one',
  asList: 'As a list',
  several: '{{count}} of these',
  truncated: 'There is more: these are the {{count}} nearest.',
  kind: 'Kind',
  name: 'Name',
  cameFrom: 'Came from',
  project: 'Project',
  created: 'Created',
  kinds: {
    dataset: 'Dataset',
    run: 'Run',
    logged_model: 'Logged model',
    model_version: 'Model version',
    item: 'Catalog item',
    job: 'Job',
    job_run: 'Job run',
  },
  alone: {
    title: 'Nothing hangs on it yet',
    text: 'What a run reads (mlflow.log_input), logs as a model, registers and publishes appears here by itself.',
  },
  begin: {
    title: 'What came from what',
    text: 'Open a run, a model version or a catalog item and choose Lineage there, or name one above.',
    newest: 'Begin with one of the newest runs',
  },
}

export default words
