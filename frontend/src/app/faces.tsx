import { IconSelector, IconUserCircle } from '@tabler/icons-react'

/** What the project button shows, with and without its menu. */
export function ProjectFace({ rail, name }: { rail: boolean; name: string | undefined }) {
  return (
    <>
      <span className="logo" aria-hidden>b2</span>
      <span className={rail ? 'visually-hidden' : 'side-name clip'}><span className="visually-hidden">Project </span>{name ?? 'No project'}</span>
      {!rail && <IconSelector size={14} stroke={1.75} className="t3" aria-hidden />}
    </>
  )
}

/** What the account button shows. */
export function UserFace({ rail, name }: { rail: boolean; name: string }) {
  return (
    <>
      <IconUserCircle size={rail ? 18 : 16} stroke={1.75} aria-hidden />
      <span className={rail ? 'visually-hidden' : 'clip'}>{name || 'Account'}<span className="visually-hidden">, account and appearance</span></span>
    </>
  )
}
