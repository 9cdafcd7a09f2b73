/** Members that are lists: an empty one may arrive as null. */
const LISTS = new Set([
  'items', 'joins', 'columns', 'features', 'crosses', 'phases', 'stages', 'findings', 'query', 'candidate', 'errors', 'warnings', 'cutoffs', 'reasons', 'roles_why', 'rows', 'lines', 'bought', 'tables', 'schema', 'epochs',
])

/** Parses a reply; a list that is null becomes an empty one, so that nobody has to ask. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) => (value === null && LISTS.has(key) ? [] : value))
}
