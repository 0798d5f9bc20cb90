import type { CallerKey } from '../caller-key.ts'
import type { OrgIds } from './org-ids.ts'
import type { UserInfo } from './user-info.ts'

/** What the answer to one login is made of. */
export interface LoginContext {
  /** The address that the caller used: scheme, host, port. */
  readonly origin: string
  /** The keys that are good now; undefined where callers need none. */
  readonly callerKeys: (() => readonly CallerKey[]) | undefined
  /** Whom the real session stands for, as far as that is known. */
  readonly ids: () => Promise<OrgIds>
  readonly userInfo: () => Promise<UserInfo>
  readonly isSandbox: () => boolean
  /** Epoch milliseconds. */
  readonly now: () => number
}
