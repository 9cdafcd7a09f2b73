/** One row of a diff: what happened to a line, and its numbers before and after. */
export interface DiffRow { sign: '' | '+' | '-'; text: string; before?: number; after?: number }
/** A run of unchanged lines that is folded away. */
export interface Fold { folded: number }

/** The longest common subsequence of lines, by Myers (1986), as rows of a diff. */
export function diff(a: string[], b: string[]): DiffRow[] {
  const n = a.length
  const m = b.length
  const max = n + m
  const v = new Map<number, number>([[1, 0]])
  const trace: Map<number, number>[] = []
  search: for (let d = 0; d <= max; d++) {
    trace.push(new Map(v))
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1)) ? (v.get(k + 1) ?? 0) : (v.get(k - 1) ?? 0) + 1
      let y = x - k
      while (x < n && y < m && a[x] === b[y]) {
        x++
        y++
      }
      v.set(k, x)
      if (x >= n && y >= m) break search
    }
  }
  const rows: DiffRow[] = []
  let x = n
  let y = m
  for (let d = trace.length - 1; d >= 0; d--) {
    const t = trace[d]
    const k = x - y
    const down = k === -d || (k !== d && (t.get(k - 1) ?? -1) < (t.get(k + 1) ?? -1))
    const px = down ? (t.get(k + 1) ?? 0) : (t.get(k - 1) ?? 0)
    const py = px - (down ? k + 1 : k - 1)
    while (x > px && y > py && x > 0 && y > 0) rows.push({ sign: '', text: a[--x], before: x + 1, after: y-- })
    if (d > 0) {
      if (down) rows.push({ sign: '+', text: b[--y], after: y + 1 })
      else rows.push({ sign: '-', text: a[--x], before: x + 1 })
    }
  }
  return rows.reverse()
}

/** Folds runs of unchanged lines, keeping some around each change. */
export function fold(rows: DiffRow[], keep = 3): (DiffRow | Fold)[] {
  const near = rows.map((_, i) => rows.slice(Math.max(0, i - keep), i + keep + 1).some((r) => r.sign))
  const out: (DiffRow | Fold)[] = []
  let skipped = 0
  rows.forEach((r, i) => {
    if (near[i]) {
      if (skipped) out.push({ folded: skipped })
      skipped = 0
      out.push(r)
    } else skipped++
  })
  if (skipped) out.push({ folded: skipped })
  return out
}
