/** Who is signed in at an issuer, and the token that says so. */
export interface Who {
  token: string
  /** When the token ends, in milliseconds of this machine's clock. */
  ends: number
  subject: string
  email?: string
}

/** Why somebody was not let in, in words for them. */
export interface Refusal { message: string; next?: string }

/** What a provider knows when the page starts. */
export interface Started {
  who?: Who
  refusal?: Refusal
  /** Nothing more happens in this window: it goes to the issuer, or was only for a sign-in. */
  leaving?: boolean
}

/** An issuer of identities as the session sees it. */
export interface Provider {
  start(): Promise<Started>
  /** A later token; undefined when the issuer gives none any more. It throws when it cannot be asked. */
  renew(): Promise<Who | undefined>
  /** Ends the sign-in here and at the issuer, and leaves the page. */
  signOut(): Promise<void>
}

/** An issuer with pages of its own. */
export interface Redirecting extends Provider {
  /** Leaves the page for the issuer's; the person comes back to the same address. */
  leave(): Promise<void>
  /** Signs in in another window, so that nothing of this one is lost; undefined when the browser allows none. */
  beside(): Promise<Who> | undefined
}

/** Google's Identity Platform, which has none. */
export interface ByPassword extends Provider {
  signIn(email: string, password: string): Promise<Who>
  /** Sends a mail that lets the person choose a password. */
  forgot(email: string): Promise<void>
}

/** A sign-in that was refused; its message is for the person. */
export class Refused extends Error {
  readonly next?: string

  constructor(message: string, next?: string) {
    super(message)
    this.name = 'Refused'
    this.next = next
  }
}
