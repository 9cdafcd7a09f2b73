import { UNKNOWN } from './numbers'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
type When = string | Date | null | undefined

/** Parses an RFC 3339 time; Go's zero time and nonsense are undefined. */
export function parse(t: When): Date | undefined {
  if (!t) return undefined
  const d = t instanceof Date ? t : new Date(t)
  return Number.isNaN(d.getTime()) || d.getUTCFullYear() < 1971 ? undefined : d
}

/** "26 min ago" up to 7 days, then "17 Nov", with the year when it is another one. */
export function relative(t: When, now: Date): string {
  const d = parse(t)
  if (!d) return UNKNOWN
  const s = (now.getTime() - d.getTime()) / 1000
  const words = (n: number, unit: string) => (s < 0 ? `in ${n} ${unit}` : `${n} ${unit} ago`)
  const a = Math.abs(s)
  if (a < 5) return 'now'
  if (a < 60) return words(Math.floor(a), 's')
  if (a < 3600) return words(Math.floor(a / 60), 'min')
  if (a < 86_400) return words(Math.floor(a / 3600), 'h')
  if (a < 7 * 86_400) return s >= 0 && a < 2 * 86_400 ? 'yesterday' : words(Math.floor(a / 86_400), 'd')
  return day(d, now)
}

/** "17 Nov", or "17 Nov 2025" in another year than now. */
export function day(t: When, now?: Date): string {
  const d = parse(t)
  if (!d) return UNKNOWN
  const short = `${d.getDate()} ${MONTHS[d.getMonth()]}`
  return now && now.getFullYear() === d.getFullYear() ? short : `${short} ${d.getFullYear()}`
}

/** A date without a time of day, as documents write it: "2025-11-24" becomes "24 Nov 2025". */
export function date(ymd: string | null | undefined): string {
  const m = /^(\d{4})-(\d{2})-(\d{2})/.exec(ymd ?? '')
  return m ? `${Number(m[3])} ${MONTHS[Number(m[2]) - 1]} ${m[1]}` : ymd || UNKNOWN
}

/** "24 Nov 2025 to 23 Nov 2026". */
export function range(from: string | null | undefined, to: string | null | undefined): string {
  return from || to ? `${date(from)} to ${date(to)}` : UNKNOWN
}

/** Absolute with zone, for the hover. */
export function absolute(t: When): string {
  const d = parse(t)
  if (!d) return UNKNOWN
  return `${day(d)} ${clock(d, true)} ${zone(d)}`
}

function zone(d: Date): string {
  const o = -d.getTimezoneOffset()
  if (o === 0) return 'UTC'
  const a = Math.abs(o)
  return `UTC${o < 0 ? '−' : '+'}${Math.floor(a / 60)}${a % 60 ? ':' + String(a % 60).padStart(2, '0') : ''}`
}

/** 14:35, or 14:35:09. */
export function clock(t: When, seconds = false): string {
  const d = parse(t)
  if (!d) return UNKNOWN
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(d.getHours())}:${two(d.getMinutes())}${seconds ? ':' + two(d.getSeconds()) : ''}`
}

/** 37s, 2m 05s, 1h 03m; below ten seconds with one decimal. */
export function duration(seconds: number | null | undefined): string {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return UNKNOWN
  if (seconds < 0.05) return '<0.1s'
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, '0')}s`
  return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`
}

/** Seconds between two times; a missing end means now. Undefined without a start. */
export function between(start: When, end: When, now: Date): number | undefined {
  const a = parse(start)
  if (!a) return undefined
  return Math.max(0, ((parse(end) ?? now).getTime() - a.getTime()) / 1000)
}
