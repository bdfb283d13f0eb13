export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What pandas writes by `orient="split"`, and MLflow by `log_table`. */
export interface TableOfJson {
  columns: string[]
  data: Json[][]
}

/** The table that JSON is, null where it is none. */
export function readTable(value: Json): TableOfJson | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const { columns, data } = value
  const fits =
    Array.isArray(columns) &&
    columns.every((each) => typeof each === 'string') &&
    Array.isArray(data) &&
    data.every((row) => Array.isArray(row))
  return fits ? { columns, data } : null
}
