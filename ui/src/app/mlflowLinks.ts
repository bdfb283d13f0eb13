/** Where links that MLflow's clients print lead to here: `#/experiments/3/runs/…` below the server's address. */
const PLACES: [RegExp, (parts: string[]) => string][] = [
  [
    /^#\/experiments\/[^/]+\/runs\/([^/?]+)\/artifacts\/?(.*)$/,
    ([run, path]) => `/runs/${run}?tab=artifacts&path=${path}`,
  ],
  [/^#\/experiments\/[^/]+\/runs\/([^/?]+)/, ([run]) => `/runs/${run}`],
  [/^#\/experiments\/([^/?]+)/, ([experiment]) => `/experiments/${experiment}`],
  [/^#\/models\/([^/?]+)\/versions\/(\d+)/, ([name, version]) => `/models/${name}/versions/${version}`],
  [/^#\/models\/([^/?]+)/, ([name]) => `/models/${name}`],
]

/** The page for a link of MLflow's, null for whatever else stands behind the `#`. */
export function pageOfMlflowLink(hash: string): string | null {
  for (const [pattern, page] of PLACES) {
    const found = pattern.exec(hash)
    if (found) return page(found.slice(1))
  }
  return hash.startsWith('#/models') ? '/models' : hash.startsWith('#/experiments') ? '/experiments' : null
}
