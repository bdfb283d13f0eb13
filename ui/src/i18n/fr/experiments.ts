import type en from '../en/experiments'

const words: typeof en = {
  title: 'Expériences',
  create: 'Nouvelle expérience',
  find: 'Trouver des expériences par leur nom',
  clear: 'Effacer la recherche',
  deleted: 'Supprimées',
  name: 'Nom',
  nameHint: 'Une barre oblique crée des dossiers, par exemple vision/resnet.',
  runs: 'Runs',
  updated: 'Dernière mise à jour',
  tags: 'Étiquettes',
  actions: 'Actions',
  inside_one: '{{count}} à l’intérieur',
  inside_other: '{{count}} à l’intérieur',
  menu: 'Menu de {{name}}',
  rename: 'Renommer',
  renameTitle: 'Renommer {{name}}',
  delete: 'Supprimer {{name}}',
  restore: 'Restaurer',
  undo: 'Annuler',
  isDeleted: '{{name}} est supprimée.',
  isRestored: '{{name}} est restaurée.',
  none: 'Aucune expérience ne porte un tel nom',
  noneDeleted: "Aucune expérience n'est supprimée",
  empty: "Pas encore d'expérience",
  emptyText: "Une expérience contient des runs du même genre. Exécutez ceci, et elle apparaît ici d'elle-même.",
  waiting: 'En attente de la première expérience…',
}

export default words
