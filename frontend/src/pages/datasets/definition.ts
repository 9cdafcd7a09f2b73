import type { DatasetDefinition, DatasetRole, Join, Ref, TableInfo, WarehouseColumn } from '../../api/types'

export const refId = (r: Ref): string => `${r.dataset}.${r.name}`
export const sameRef = (a: Ref, b: Ref): boolean => a.dataset === b.dataset && a.name === b.name
export const ROLES: DatasetRole[] = ['customer', 'product', 'time', 'value']

/** What each role is for, in one sentence. */
export const ROLE_HELP: Record<DatasetRole, string> = {
  customer: 'Who buys. Every row needs one; the query tower learns it.',
  product: 'What is bought. Every row needs one; the candidate tower learns it.',
  time: 'When. Without it the last weeks cannot be held out, and the split is random.',
  value: 'How much. Used for the Pareto curve, and to leave returns out.',
}

/** The tables of a definition, the primary first. */
export function tableRefs(d: DatasetDefinition): Ref[] {
  return [d.primary, ...d.joins.map((j) => j.table)]
}

/** A free output name: the column's own, else with the table in front, else numbered. */
export function freeName(d: DatasetDefinition, table: Ref, column: string): string {
  const clean = column.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(\d)/, '_$1')
  const taken = new Set(d.columns.map((c) => c.name.toLowerCase()))
  if (!taken.has(clean.toLowerCase())) return clean
  const long = `${table.name}_${clean}`
  for (let i = 1; ; i++) {
    const name = i === 1 ? long : `${long}_${i}`
    if (!taken.has(name.toLowerCase())) return name
  }
}

/** Adds or removes a column; a removed one loses its role and the date filter that used it. */
export function toggleColumn(d: DatasetDefinition, table: Ref, column: string): DatasetDefinition {
  const at = d.columns.find((c) => sameRef(c.table, table) && c.column === column)
  if (!at) return { ...d, columns: [...d.columns, { table, column, name: freeName(d, table, column) }] }
  const roles = Object.fromEntries(Object.entries(d.roles).filter(([, name]) => name !== at.name))
  return { ...d, columns: d.columns.filter((c) => c !== at), roles, dates: d.dates?.column === at.name ? undefined : d.dates }
}

/** Gives a role to a column, choosing the column if it is not chosen yet. */
export function setRole(d: DatasetDefinition, role: DatasetRole, name: string | undefined): DatasetDefinition {
  const kept = Object.entries(d.roles).filter(([r, n]) => r !== role && n !== name)
  const roles: DatasetDefinition['roles'] = Object.fromEntries(name ? [...kept, [role, name]] : kept)
  return { ...d, roles, positive_only: roles.value ? d.positive_only : false }
}

/** Removes a joined table with its columns, and the tables that hang on it. */
export function removeTable(d: DatasetDefinition, table: Ref): DatasetDefinition {
  const gone = new Set([refId(table)])
  let grew = true
  while (grew) {
    grew = false
    for (const j of d.joins) {
      if (gone.has(refId(j.left_table)) && !gone.has(refId(j.table))) {
        gone.add(refId(j.table))
        grew = true
      }
    }
  }
  const names = new Set(d.columns.filter((c) => gone.has(refId(c.table))).map((c) => c.name))
  return {
    ...d,
    joins: d.joins.filter((j) => !gone.has(refId(j.table))),
    columns: d.columns.filter((c) => !gone.has(refId(c.table))),
    roles: Object.fromEntries(Object.entries(d.roles).filter(([, n]) => !names.has(n))),
    dates: d.dates && names.has(d.dates.column) ? undefined : d.dates,
  }
}

/** Adds or changes the join of a table. */
export function setJoin(d: DatasetDefinition, join: Join): DatasetDefinition {
  const at = d.joins.findIndex((j) => sameRef(j.table, join.table))
  return { ...d, joins: at < 0 ? [...d.joins, join] : d.joins.map((j, i) => (i === at ? join : j)) }
}

/** The first thing that keeps a definition from being saved, in words. */
export function blocker(d: DatasetDefinition): string | undefined {
  if (!d.roles.customer) return 'Choose the customer column'
  if (!d.roles.product) return 'Choose the product column'
  const open = d.joins.find((j) => !j.left_column || !j.right_column)
  return open ? `Choose the columns that join ${open.table.name}` : undefined
}

/** STR, NUM, DAT, BOO: a type in three letters. */
export function shortType(type: string): string {
  if (/^(INT64|FLOAT64|NUMERIC|BIGNUMERIC)$/.test(type)) return 'NUM'
  if (/^(DATE|DATETIME|TIMESTAMP|TIME)$/.test(type)) return 'DAT'
  if (type === 'STRING') return 'STR'
  return type.slice(0, 3)
}

/** The type of an output column, from the tables it comes from. */
export function outputTypes(d: DatasetDefinition, tables: TableInfo[]): Map<string, string> {
  const byTable = new Map(tables.map((t) => [refId(t.ref), new Map(t.columns.map((c: WarehouseColumn) => [c.name, c.type]))]))
  return new Map(d.columns.map((c) => [c.name, byTable.get(refId(c.table))?.get(c.column) ?? '']))
}

/** A date filter as a sentence. */
export function datesWords(d: DatasetDefinition): string {
  if (!d.dates) return 'all dates'
  return d.dates.rolling_days ? `last ${d.dates.rolling_days} days by ${d.dates.column}` : `from ${d.dates.start ?? '?'} by ${d.dates.column}`
}
