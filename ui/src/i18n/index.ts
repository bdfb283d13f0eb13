/** The words of the page: one file for each language and area, fetched when the area is opened. */
import i18next, { type BackendModule, type ResourceKey } from 'i18next'
import { initReactI18next } from 'react-i18next'

export const LANGUAGES = { en: 'English', fr: 'Français' } as const
export type Language = keyof typeof LANGUAGES

const KEPT = 'mainspring.language'
const files = import.meta.glob<{ default: ResourceKey }>(['./en/*.ts', './fr/*.ts'])

const backend: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, area, done) => {
    const load = files[`./${language}/${area}.ts`]
    if (!load) return done(new Error(`no words for ${language}/${area}`), null)
    load().then(
      (words) => done(null, words.default),
      (error: Error) => done(error, null),
    )
  },
}

function chosen(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((each) => each.slice(0, 2))]
  return (wanted.find((each) => each !== null && each in LANGUAGES) as Language | undefined) ?? 'en'
}

let started: Promise<void> | undefined

export function startWords(): Promise<void> {
  return (started ??= start())
}

/** Fetch the words of an area, so that its page need not wait for them once it is there. */
export async function loadWords(area: string): Promise<void> {
  void files[`./${chosen()}/${area}.ts`]?.()
  await startWords()
  await i18next.loadNamespaces(area)
}

async function start(): Promise<void> {
  await i18next
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: chosen(),
      fallbackLng: 'en',
      ns: ['common'],
      defaultNS: 'common',
      // React escapes what it shows.
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    })
  document.documentElement.lang = i18next.language
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language)
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
}
