import { Link } from '@tanstack/react-router'
import { useQueries } from '@tanstack/react-query'
import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { address, api, unwrap } from '@/api/client'
import type { Run } from '@/charts/data'
import { inputClass } from '@/components/Field'
import { Loading } from '@/components/Notice'
import styles from './comparison.module.css'
import { pictureAt, readPicture, type Picture } from './images'
import type { ChangeCompare, CompareSettings } from './settings'

const MOST_RUNS = 48
const MOST_FOLDERS = 12
const DEPTH = 3

/** Images that several runs have, side by side, by step. */
export function Images({
  runs,
  settings,
  change,
}: {
  runs: Run[]
  settings: CompareSettings
  change: ChangeCompare
}): ReactElement {
  const { t } = useTranslation('compare')
  const looked = runs.slice(0, MOST_RUNS)
  const { pictures, isPending } = usePictures(looked)
  const names = useMemo(() => mostShared(pictures), [pictures])
  const name = names.includes(settings.image ?? '') ? settings.image! : names[0]
  const ofName = pictures.filter((each) => each.name === name)
  const having = looked.filter(({ run_id: id }) => ofName.some(({ runId }) => runId === id))
  const steps = [...new Set(ofName.flatMap(({ step }) => step ?? []))].sort((a, b) => a - b)
  const step = settings.step !== undefined ? settings.step : (steps.at(-1) ?? 0)
  if (isPending && names.length === 0) return <Loading />
  if (name === undefined) return <p className={styles.nothing}>{t('noImages')}</p>
  const index = Math.max(
    0,
    steps.findLastIndex((each) => each <= step),
  )
  return (
    <div className={styles.stack}>
      <div className={styles.bar}>
        <label className={styles.pick}>
          <span>{t('image')}</span>
          <select
            className={inputClass}
            value={name}
            onChange={(event) => change({ image: event.target.value, step: undefined })}
          >
            {names.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        {steps.length > 1 && (
          <label className={styles.steps}>
            <span>{t('step')}</span>
            <input
              type="range"
              min={0}
              max={steps.length - 1}
              value={index}
              aria-valuetext={String(steps[index])}
              onChange={(event) => change({ step: steps[Number(event.target.value)] })}
            />
            <output>{steps[index]}</output>
          </label>
        )}
        {having.length < looked.length && (
          <span className={styles.dim}>{t('without', { count: looked.length - having.length })}</span>
        )}
        {runs.length > MOST_RUNS && <span className={styles.dim}>{t('firstRuns', { count: MOST_RUNS })}</span>}
      </div>
      <ul className={styles.images}>
        {having.map(({ run_id: runId, name: runName }) => {
          const found = pictureAt(
            ofName.filter((each) => each.runId === runId),
            step,
          )
          return (
            <li key={runId}>
              <div className={styles.frame}>
                {found ? (
                  <img
                    src={address('runs', runId, 'artifacts', found.path)}
                    alt={t('imageOf', { image: name, run: runName })}
                    loading="lazy"
                  />
                ) : (
                  <span className={styles.dim}>{t('noImageYet')}</span>
                )}
              </div>
              <Link to="/runs/$runId" params={{ runId }}>
                {runName}
              </Link>
              {found && found.step !== null && (
                <small className={styles.dim}>{t('atStep', { step: found.step })}</small>
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

/** Names of images: those of most runs first. */
function mostShared(pictures: Picture[]): string[] {
  const runs = new Map<string, Set<string>>()
  for (const { name, runId } of pictures) runs.set(name, (runs.get(name) ?? new Set()).add(runId))
  return [...runs].sort((a, b) => b[1].size - a[1].size || a[0].localeCompare(b[0])).map(([name]) => name)
}

function usePictures(runs: Run[]): { pictures: Picture[]; isPending: boolean } {
  return useQueries({
    queries: runs.map(({ run_id: id }) => ({
      queryKey: ['run-images', id],
      queryFn: ({ signal }: { signal: AbortSignal }) => findPictures(id, signal),
      staleTime: 30_000,
    })),
    combine: (answers) => ({
      pictures: answers.flatMap(({ data }) => data ?? []),
      isPending: answers.some((answer) => answer.isPending),
    }),
  })
}

/** Return the images among the artifacts of a run, some folders deep. */
async function findPictures(id: string, signal: AbortSignal): Promise<Picture[]> {
  const found: Picture[] = []
  let folders: (string | undefined)[] = [undefined]
  for (let depth = 0; depth < DEPTH && folders.length > 0; depth += 1) {
    const pages = await Promise.all(
      folders.slice(0, MOST_FOLDERS).map((path) => {
        const params = { path: { run_id: id }, query: { path, max_results: 1000 } }
        return unwrap(api.GET('/api/v1/runs/{run_id}/artifacts', { params, signal }))
      }),
    )
    const items = pages.flatMap((page) => page.items)
    found.push(...items.flatMap((item) => (item.is_dir ? [] : (readPicture(id, item.path) ?? []))))
    folders = items.filter((item) => item.is_dir).map(({ path }) => path)
  }
  return found
}
