import { describe, expect, test } from 'vitest'

import { remaining, speak } from './eta'
import { bytes, count, delta, figure, headline, metric, over, plural, reads, share, signedShare } from './numbers'
import { absolute, between, date, duration, parse, range, relative } from './time'

describe('numbers', () => {
  test.each([
    [count(4218377), '4,218,377'], [count(-3), '−3'], [count(undefined), '—'], [count(NaN), '—'], [count(0), '0'],
    [headline(25_100_000), '25.1\u2009M'], [headline(4_218_377), '4,218,377'], [headline(2_500_000_000), '2.5\u2009B'],
    [metric(0.4051), '0.405'], [metric(0.4051, true), '.405'], [metric(1, true), '1.000'], [metric(-0.064, true), '−.064'], [metric(null), '—'],
    [delta(0.02), '+0.020'], [delta(-0.064), '−0.064'],
    [share(0.0032), '0.32\u2009%'], [share(0.5), '50\u2009%'], [share(0.035), '3.5\u2009%'], [share(0), '0\u2009%'], [share(0.19, 1), '19.0\u2009%'],
    [signedShare(0.19), '+19\u2009%'], [signedShare(-0.05), '−5\u2009%'], [signedShare(undefined), '—'],
    [bytes(999), '999\u2009B'], [bytes(7_800_000), '7.8\u2009MB'], [bytes(999_950), '1.0\u2009MB'], [bytes(-1), '—'],
    [figure(84.237), '84.24'], [figure(0.000123), '0.000123'], [figure(12345.6), '12,346'], [figure(undefined), '—'],
    [reads({ bytes: 1.2e9, usd: 0.0068 }), 'reads 1.2\u2009GB, about $0.01'], [reads({ bytes: 4096, usd: 0 }), 'reads 4.1\u2009kB, under $0.01'], [reads(undefined), ''],
    [plural(1, 'run'), '1 run'], [plural(2000, 'run'), '2,000 runs'],
  ])('%s is %s', (got, want) => expect(got).toBe(want))

  test('a comparison needs both sides and a divisor', () => {
    expect(over(0.398, 0.334)).toBeCloseTo(0.1916, 3)
    expect(over(0.3, 0)).toBeUndefined()
    expect(over(undefined, 0.3)).toBeUndefined()
  })
})

describe('time', () => {
  const now = new Date('2026-11-23T14:00:00Z')
  test.each([
    ['2026-11-23T13:59:58Z', 'now'], ['2026-11-23T13:59:20Z', '40 s ago'], ['2026-11-23T13:34:00Z', '26 min ago'], ['2026-11-23T11:00:00Z', '3 h ago'],
    ['2026-11-22T13:00:00Z', 'yesterday'], ['2026-11-18T13:00:00Z', '5 d ago'], ['2026-11-09T12:00:00Z', '9 Nov'], ['2025-11-09T12:00:00Z', '9 Nov 2025'], ['2026-11-23T14:02:00Z', 'in 2 min'],
    ['0001-01-01T00:00:00Z', '—'], ['', '—'], ['soon', '—'],
  ])('%s reads %s', (t, want) => expect(relative(t, now)).toBe(want))

  test.each([[0.01, '<0.1s'], [0.42, '0.4s'], [37, '37s'], [125, '2m 05s'], [3780, '1h 03m'], [59.7, '1m 00s'], [undefined, '—'], [-1, '—']])('%s seconds read %s', (s, want) => expect(duration(s)).toBe(want))

  test('dates without a time of day do not move with the zone', () => {
    expect(date('2025-11-24')).toBe('24 Nov 2025')
    expect(range('2025-11-24', '2026-11-23')).toBe('24 Nov 2025 to 23 Nov 2026')
    expect(range(undefined, undefined)).toBe('—')
  })

  test('spans end now while something runs', () => {
    expect(between('2026-11-23T13:59:00Z', undefined, now)).toBe(60)
    expect(between('2026-11-23T13:59:00Z', '2026-11-23T13:59:30Z', now)).toBe(30)
    expect(between(undefined, undefined, now)).toBeUndefined()
    expect(parse('0001-01-01T00:00:00Z')).toBeUndefined()
    expect(absolute('2026-11-23T13:59:00Z')).toMatch(/23 Nov 2026 \d\d:\d\d:\d\d UTC/)
  })
})

describe('time left', () => {
  test('there is none before 10 % or 30 s', () => {
    expect(remaining(5, 100, 10)).toBeUndefined()
    expect(remaining(5, 100, 40)).toBeCloseTo(760)
    expect(remaining(50, 100, 10)).toBe(10)
    expect(remaining(100, 100, 10)).toBeUndefined()
  })
  test.each([[3, 'about 5s left'], [42, 'about 45s left'], [156, 'about 2m 40s left'], [660, 'about 11 min left']])('%s s: %s', (s, want) => expect(speak(s)).toBe(want))
})
