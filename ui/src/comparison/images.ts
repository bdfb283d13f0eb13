/** Images among the artifacts of runs: by name, by step, by run. */
export interface Picture {
  runId: string
  path: string
  /** The image's name: the same in all runs. */
  name: string
  step: number | null
}

const IMAGE = /\.(png|jpe?g|gif|webp|bmp|avif|svg)$/i
/** What `mlflow.log_image` makes of a key and a step. */
const LOGGED =
  /^images\/(?<key>.+?)[%+]step[%+](?<step>\d+)[%+]timestamp[%+]\d+[%+][\w-]+?(?<small>[%+]compressed)?\.\w+$/

export function readPicture(runId: string, path: string): Picture | null {
  if (!IMAGE.test(path)) return null
  const logged = LOGGED.exec(path)?.groups
  if (!logged) return { runId, path, name: path, step: null }
  // The small twin is of the list in MLflow's own page.
  if (logged.small) return null
  return { runId, path, name: logged.key!.replaceAll('#', '/'), step: Number(logged.step) }
}

/** Return the image of a run at a step, or the last one before it. */
export function pictureAt(pictures: Picture[], step: number): Picture | undefined {
  const before = pictures.filter((each) => (each.step ?? 0) <= step)
  return before.reduce<Picture | undefined>(
    (best, each) => (best && (best.step ?? 0) > (each.step ?? 0) ? best : each),
    undefined,
  )
}
