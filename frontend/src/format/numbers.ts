/** What an unknown value reads as; never 0. */
export const UNKNOWN = '—'
/** A thin space stands before a unit. */
export const THIN = '\u2009'

type Maybe = number | null | undefined
const known = (n: Maybe): n is number => typeof n === 'number' && Number.isFinite(n)
const minus = (s: string) => s.replace(/^-/, '−')

/** 4,218,377. */
export function count(n: Maybe): string {
  return known(n) ? minus(Math.round(n).toLocaleString('en-US')) : UNKNOWN
}

/** 25.1 M from a million on, exact below; for headlines only. */
export function headline(n: Maybe): string {
  if (!known(n)) return UNKNOWN
  const a = Math.abs(n)
  if (a >= 1e9) return minus((n / 1e9).toFixed(1)) + THIN + 'B'
  if (a >= 1e7) return minus((n / 1e6).toFixed(1)) + THIN + 'M'
  return count(n)
}

/** A metric with three decimals; dense drops the leading zero: ".405". */
export function metric(n: Maybe, dense = false): string {
  if (!known(n)) return UNKNOWN
  const s = minus(n.toFixed(3))
  return dense ? s.replace(/^(−?)0\./, '$1.') : s
}

/** The signed difference of two metrics: −0.064. */
export function delta(n: Maybe): string {
  if (!known(n)) return UNKNOWN
  return (n > 0 ? '+' : '') + metric(n)
}

/** 0.32 %; small shares keep two decimals, others none. */
export function share(n: Maybe, digits?: number): string {
  if (!known(n)) return UNKNOWN
  const p = n * 100
  const d = digits ?? (p !== 0 && Math.abs(p) < 10 ? (Math.abs(p) < 1 ? 2 : 1) : 0)
  return minus(p.toFixed(d)) + THIN + '%'
}

/** How much a is above b, as a signed percentage; unknown when b is 0 or either is unknown. */
export function over(a: Maybe, b: Maybe): number | undefined {
  return known(a) && known(b) && b !== 0 ? a / b - 1 : undefined
}

/** +19 % with its sign always written. */
export function signedShare(n: Maybe, digits = 0): string {
  return known(n) ? (n > 0 ? '+' : '') + share(n, digits) : UNKNOWN
}

/** 7.8 MB, powers of 1,000. */
export function bytes(n: Maybe): string {
  if (!known(n) || n < 0) return UNKNOWN
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let i = 0
  let v = n
  while (v >= 999.5 && i < units.length - 1) {
    v /= 1000
    i++
  }
  return (i === 0 || v >= 100 ? v.toFixed(0) : v.toFixed(1)) + THIN + units[i]
}

/** reads 1.2 GB, about $0.01; nothing where reading is free. */
export function reads(cost?: { bytes: number; usd: number }): string {
  if (!cost) return ''
  return `reads ${bytes(cost.bytes)}, ` + (cost.usd < 0.005 ? 'under $0.01' : `about $${cost.usd.toFixed(2)}`)
}

/** A statistic of a column: at most four significant digits, thousands separated. */
export function figure(n: Maybe): string {
  if (!known(n)) return UNKNOWN
  if (Number.isInteger(n)) return count(n)
  const a = Math.abs(n)
  if (a >= 1000) return minus(n.toLocaleString('en-US', { maximumFractionDigits: 0 }))
  if (a >= 1) return minus(n.toLocaleString('en-US', { maximumFractionDigits: 2 }))
  return minus(String(Number(n.toPrecision(3))))
}

/** "1 run", "2 runs". */
export function plural(n: number, one: string, many = one + 's'): string {
  return count(n) + ' ' + (n === 1 ? one : many)
}
