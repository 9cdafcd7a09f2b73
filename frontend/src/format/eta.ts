/**
 * The time that is left of something of which `done` of `total` is done.
 * There is none before 10 % or 30 s: an early guess is worse than silence.
 */
export function remaining(done: number, total: number, elapsedSeconds: number): number | undefined {
  if (total <= 0 || done <= 0 || done >= total) return undefined
  const part = done / total
  if (part < 0.1 && elapsedSeconds < 30) return undefined
  return (elapsedSeconds * (1 - part)) / part
}

/** Rounded to what a person would say: 5-s steps below a minute, 1 min above ten. */
export function speak(seconds: number): string {
  if (seconds < 60) return `about ${Math.max(5, Math.ceil(seconds / 5) * 5)}s left`
  if (seconds < 600) return `about ${Math.floor(seconds / 60)}m ${String(Math.ceil((seconds % 60) / 10) * 10 % 60).padStart(2, '0')}s left`
  return `about ${Math.round(seconds / 60)} min left`
}
