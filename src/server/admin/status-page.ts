/** What the admin listener's page is made of; its data are ready for JSON and without credentials. */
export interface StatusPage {
  /** A file of the page; undefined where there is none of that name. */
  readonly file: (name: string) => Promise<PageFile | undefined>
  /** Why whoever comes from this address is not shown exchanges; undefined where he is. */
  readonly closedTo: (remoteAddress: string | undefined) => string | undefined
  /** Tells the viewer everything, then what is new; returns the way to leave. */
  readonly watch: (viewer: Viewer) => () => void
  /** Undefined where it is no longer kept. */
  readonly exchange: (n: number) => object | undefined
  /** HAR 1.2 of those that are still kept among `wanted`, or of all. */
  readonly har: (wanted: readonly number[] | undefined) => object
  /** Sends it once more, as a caller would; resolves when its answer is over. Rejects where the proxy cannot be called. */
  readonly replay: (n: number, wish: ReplayWish) => Promise<ReplayOutcome>
}

export interface PageFile {
  readonly type: string
  readonly bytes: Buffer
}

export interface Viewer {
  readonly closedBecause: string | undefined
  send(update: object): void
}

export interface ReplayWish {
  /** A person has agreed to send what could change something. */
  readonly isAgreed: boolean
  readonly apiKey: string | undefined
  readonly signal: AbortSignal
}

export type ReplayOutcome =
  | { readonly kind: 'done'; readonly status: number; readonly requestId: string }
  /** It could change something: a person has to agree. */
  | { readonly kind: 'ask' }
  | { readonly kind: 'impossible'; readonly why: string }
  | { readonly kind: 'gone' }
