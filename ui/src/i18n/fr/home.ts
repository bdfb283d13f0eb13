import type en from '../en/home'

const words: typeof en = {
  title: 'Accueil',
  running: 'En cours',
  nothingRuns: "Rien ne s'exécute en ce moment.",
  recent: 'Exécutions récentes',
  visited: 'Où vous étiez',
  models: 'Modèles les plus récents',
  allExperiments: 'Toutes les expériences',
  allModels: 'Tous les modèles',
  run: 'Exécution',
  experiment: 'Expérience',
  status: 'État',
  started: 'Début',
  took: 'Durée',
  noProject: {
    title: "Vous n'avez pas de rôle dans ce projet",
    text: 'Choisissez-en un autre, regardez le catalogue, ou demandez un rôle à un propriétaire.',
    yours: 'Vos projets',
    none: "Il n'y a encore aucun projet que vous puissiez voir.",
  },
  quickstart: {
    title: 'Enregistrer quelque chose',
    text: "N'importe quel client MLflow écrit ici, tel quel. Ce qu'il enregistre apparaît aussitôt sur cette page.",
    python: 'Python',
    shell: 'Shell : pour les programmes qui sont déjà des clients MLflow',
    waiting: 'En attente de la première exécution …',
  },
}

export default words
