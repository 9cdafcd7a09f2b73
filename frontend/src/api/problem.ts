import type { FieldFinding, Problem, Turn } from './types'

/** A failed call, as a problem document tells it. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem
  readonly id?: string

  constructor(status: number, problem: Problem, id?: string) {
    super(problem.message)
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
    this.id = id
  }
}

interface Wire {
  title?: string; status?: number; detail?: string; code?: string; cause?: string; next?: string; turn?: Turn; step?: string; errors?: FieldFinding[] | null; id?: string
}

/** Reads an error reply; a body that is no problem document still becomes one. */
export function fromWire(status: number, body: unknown): ApiError {
  const w: Wire = body && typeof body === 'object' ? (body as Wire) : {}
  return new ApiError(status, {
    code: w.code ?? 'internal',
    message: w.detail || w.title || `The server answered ${status}.`,
    cause: w.cause, next: w.next, turn: w.turn, step: w.step, fields: w.errors ?? undefined,
  }, w.id)
}

/** Any thrown value as a problem; a failed fetch means the server cannot be reached. */
export function problemOf(e: unknown): { problem: Problem; id?: string; status?: number } {
  if (e instanceof ApiError) return { problem: e.problem, id: e.id, status: e.status }
  if (e instanceof TypeError) {
    return {
      problem: {
        code: 'unavailable', message: 'The server does not answer.', cause: e.message,
        next: 'See that b2brecs is still running, then try again.', turn: 'you',
      },
    }
  }
  return { problem: { code: 'internal', message: e instanceof Error ? e.message : String(e), turn: 'support' } }
}

/** Field findings by location, the first one of each; "body." in front is dropped. */
export function fieldErrors(fields: FieldFinding[] | undefined): Record<string, string> {
  const out: Record<string, string> = {}
  for (const f of fields ?? []) {
    const at = f.location.replace(/^(body|path|query)\./, '')
    out[at] ??= f.message
  }
  return out
}
