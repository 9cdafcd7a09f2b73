import type { Listed } from '../../api/types'
import { stampText } from '../../ui/Metric'
import type { BoardColumn } from './columns'
import { titleOf } from './facts'

type Cell = string | number | undefined

/** Where a text begins, or where a spreadsheet that separates otherwise would begin a cell in it. */
const FORMULA = /(^|[;\t\r\n])(\s*)(?=[=+\-@＝＋－＠])/g

/**
 * One cell of RFC 4180. Numbers are written as they are, unknown ones as nothing. A
 * text is quoted, and gets an apostrophe where a spreadsheet would take it for a
 * formula: https://owasp.org/www-community/attacks/CSV_Injection
 */
export function cell(v: Cell): string {
  if (v === undefined) return ''
  if (typeof v === 'number') return Number.isFinite(v) ? String(v) : ''
  return `"${v.replace(FORMULA, "$1'$2").replaceAll('"', '""')}"`
}

/**
 * The runs with what the board shows of them, exactly: times in RFC 3339, durations in
 * seconds. A metric stands beside its baselines, with its protocol in the header; runs
 * that were measured otherwise have columns of their own.
 */
export function boardCsv(rows: Listed[], columns: BoardColumn[]): string {
  const stamps = [...new Set(rows.flatMap((e) => (e.metrics ? [stampText(e.metrics.protocol)] : [])))]
  const out: { head: string; of: (e: Listed) => Cell }[] = [{ head: 'Run', of: (e) => e.number }, { head: 'Id', of: (e) => e.id }, { head: 'Name', of: titleOf }]
  for (const { name, unit, of, score } of columns) {
    if (score) {
      for (const stamp of stamps) {
        const like = (e: Listed) => (e.metrics && stampText(e.metrics.protocol) === stamp ? e.metrics : undefined)
        out.push({ head: `${name}, model [${stamp}]`, of: (e) => like(e)?.model[score] }, { head: `${name}, item-kNN [${stamp}]`, of: (e) => like(e)?.item_knn[score] }, { head: `${name}, popularity [${stamp}]`, of: (e) => like(e)?.popularity[score] })
      }
    } else if (of) out.push({ head: unit ? `${name}, ${unit}` : name, of })
  }
  // The mark tells a spreadsheet that the text is UTF-8.
  return '\ufeff' + [out.map((c) => cell(c.head)), ...rows.map((e) => out.map((c) => cell(c.of(e))))].map((line) => line.join(',') + '\r\n').join('')
}
