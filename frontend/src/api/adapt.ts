import type { CheckReply, DatasetCheck, DatasetRole, ProposalReply, Suggestion } from './types'

/** Gives a proposal the shape the builder draws. */
export function suggestionOf(p: ProposalReply): Suggestion {
  return {
    definition: p.definition,
    roles: Object.entries(p.roles ?? {}).map(([role, g]) => ({ role: role as DatasetRole, column: g.column, confidence: g.confidence, why: g.why })),
    joins: (p.joins ?? []).map((j) => ({ join: j.join, score: j.score, why: (j.why ?? []).join('; '), match: j.overlap, unique: j.keys.rows === j.keys.distinct })),
  }
}

/** Every finding of a check blocks: the definition cannot be stored with it. */
export function checkOf(c: CheckReply): DatasetCheck {
  return {
    schema: c.schema ?? [],
    rows: c.valid ? c.rows : undefined,
    cost: c.cost,
    findings: (c.findings ?? []).map((f) => ({ severity: 'blocking', code: f.location, message: f.message, why: '', next: '', penalty: 0 })),
  }
}
