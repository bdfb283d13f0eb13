/** Words of MLflow's filter grammar. */

/** A text as a literal: `'…'`, or `"…"` where it holds a quote. */
export function literal(text: string): string {
  return text.includes("'") ? `"${text.replaceAll('"', '')}"` : `'${text}'`
}

/** What finds a part of a name, whatever its case: `name ILIKE '%part%'`; empty where nothing is asked for. */
export function nameHas(part: string): string {
  return part.trim() ? `name ILIKE ${literal(`%${part.trim()}%`)}` : ''
}
