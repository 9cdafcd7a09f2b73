export type TokenKind = 'kw' | 'str' | 'num' | 'fn' | 'com' | ''
export interface Token { text: string; kind: TokenKind }

const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield self'.split(' '),
)
const PART = /(#.*)|([rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))|(\b\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?\b)|([A-Za-z_]\w*)|(\s+|.)/g

/**
 * Colours Python, line by line. It knows comments, strings (three quotes over
 * several lines too), numbers, keywords and names that are called or defined:
 * enough to read generated code, which has nothing else.
 */
export function highlight(source: string): Token[][] {
  let open: string | undefined
  return source.replace(/\n$/, '').split('\n').map((line) => {
    const out: Token[] = []
    let rest = line
    while (rest) {
      if (open) {
        const end = rest.indexOf(open)
        if (end < 0) {
          out.push({ text: rest, kind: 'str' })
          rest = ''
        } else {
          out.push({ text: rest.slice(0, end + 3), kind: 'str' })
          rest = rest.slice(end + 3)
          open = undefined
        }
        continue
      }
      const triple = /[rbfu]?("""|''')/i.exec(rest)
      const plain = triple && !inString(rest, triple.index) ? rest.slice(0, triple.index) : rest
      out.push(...flat(plain))
      rest = rest.slice(plain.length)
      if (triple && rest) {
        open = triple[1]
        out.push({ text: triple[0], kind: 'str' })
        rest = rest.slice(triple[0].length)
      }
    }
    return out
  })
}

/** Whether a position stands in a comment or in a one-line string. */
function inString(line: string, at: number): boolean {
  let quote = ''
  for (let i = 0; i < at; i++) {
    const c = line[i]
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '#') return true
    else if (c === '"' || c === "'") quote = c
  }
  return quote !== ''
}

function flat(text: string): Token[] {
  const out: Token[] = []
  for (const m of text.matchAll(PART)) {
    const kind: TokenKind = m[1] ? 'com' : m[2] ? 'str' : m[3] ? 'num' : m[4] ? word(m[4], text, m.index + m[4].length) : ''
    const last = out[out.length - 1]
    if (last && last.kind === kind) last.text += m[0]
    else out.push({ text: m[0], kind })
  }
  return out
}

function word(name: string, text: string, end: number): TokenKind {
  if (KEYWORDS.has(name)) return name === 'self' ? '' : 'kw'
  return text[end] === '(' ? 'fn' : ''
}
