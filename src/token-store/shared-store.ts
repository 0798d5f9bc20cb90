/**
 * Where replicas keep what they share. Every call may reject, and does so within a second or two where the store is down or slow:
 * whoever calls goes on without it.
 */
export interface SharedStore {
  /** The text under this key, whoever wrote it. */
  read(key: string): Promise<string | undefined>
  /** Writes unless somebody else has done so since `before` was read. */
  replace(key: string, change: { before: string | undefined; after: string; lifeMs: number }): Promise<boolean>
  /** Takes the lease of this key where nobody has it; it ends by itself. */
  acquire(key: string, lease: { owner: string; lifeMs: number }): Promise<boolean>
  /** Gives the lease back, if it is still this owner's. */
  release(key: string, owner: string): Promise<void>
  close(): void
}
