import type en from '../en/lineage'

const words: typeof en = {
  title: 'Lignage',
  of: 'De quoi',
  ofHint: 'run:<id>, model_version:<modèle>/<version>, dataset:<nom>@<empreinte> ou item:<id>',
  show: 'Montrer',
  hops: 'Pas',
  direction: 'Direction',
  directions: { both: 'Les deux', up: "D'où cela vient", down: 'Ce qui en est issu' },
  collapse: 'Regrouper',
  asList: 'En liste',
  several: '{{count}} de cette sorte',
  truncated: "Il y en a d'autres : voici les {{count}} plus proches.",
  kind: 'Sorte',
  name: 'Nom',
  cameFrom: 'Issu de',
  project: 'Projet',
  created: 'Créé',
  kinds: {
    dataset: 'Jeu de données',
    run: 'Exécution',
    logged_model: 'Modèle enregistré',
    model_version: 'Version de modèle',
    item: 'Élément du catalogue',
    job: 'Tâche',
    job_run: 'Exécution de tâche',
  },
  alone: {
    title: "Rien n'y est encore relié",
    text: "Ce qu'une exécution lit (mlflow.log_input), enregistre comme modèle et publie apparaît ici tout seul.",
  },
  begin: {
    title: 'Ce qui vient de quoi',
    text: 'Ouvrez une exécution, une version de modèle ou un élément du catalogue et choisissez Lignage, ou nommez-en un ci-dessus.',
    newest: "Commencer par l'une des dernières exécutions",
  },
}

export default words
