import { readFile, watch } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Clock } from '../clock.ts'
import { OAuthError, toOAuthError } from './oauth-error.ts'
import { labelOf, type SecretSource } from './secret-source.ts'
import type { TokenEvent } from './token-source.ts'

export interface SecretFileOptions {
  /** The setting that names the file. */
  readonly setting: string
  readonly path: string
  readonly clock: Clock
  readonly onEvent?: ((event: TokenEvent) => void) | undefined
  /** Called after the content changed and came to rest. */
  readonly onChange?: (() => void) | undefined
}

/** A secret in a file: read at each use and watched in between. The last good content stands in while the file is missing or empty. */
export interface SecretFile extends SecretSource {
  current(): Promise<string>
  close(): Promise<void>
}

/** Events of a directory can be lost (network file systems, links that lead elsewhere), so the file is also looked at this often. */
const POLL_MS = 30_000
/** A file that is being written changes again within this. */
const SETTLE_MS = 250

/** Begins to watch at once. */
export function watchSecretFile(options: SecretFileOptions): SecretFile {
  return new WatchedFile(options)
}

class WatchedFile implements SecretFile {
  readonly name: string
  readonly #options: SecretFileOptions
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #done: Promise<unknown>
  #nap = new AbortController()
  /** The last good content, and the one last announced. */
  #good: string | undefined
  #announced: string | undefined
  #isUnreadable = false
  #error = ''
  /** The directory changed since the file was last looked at. */
  #isTouched = false

  constructor(options: SecretFileOptions) {
    this.#options = options
    this.#clock = options.clock
    this.name = `${options.setting} (${options.path})`
    this.#done = Promise.all([this.#follow(), this.#watchDirectory()])
  }

  async current(): Promise<string> {
    const value = (await this.#read()) ?? this.#good
    if (value !== undefined) return value
    const description = `${this.name} is missing, unreadable or empty`
    throw new OAuthError({ kind: 'permanent', error: 'secret_unreadable', description })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#nap.abort()
    await this.#done
  }

  /** The directory, not the file: a file renamed over, or Kubernetes' `..data` link swapped, is another inode. */
  async #watchDirectory(): Promise<void> {
    const { path } = this.#options
    try {
      for await (const { filename } of watch(dirname(path), { signal: this.#closing.signal })) {
        if (filename !== basename(path) && !String(filename).startsWith('..')) continue
        this.#isTouched = true
        this.#nap.abort()
      }
    } catch {
      // No such directory yet, no more watches to be had, or closed: looking at the file every now and then is enough.
    }
  }

  async #follow(): Promise<void> {
    this.#announced = await this.#read()
    while (!this.#closing.signal.aborted) {
      await this.#announceIfChanged()
      if (!this.#isTouched) await this.#clock.sleep(POLL_MS, this.#nap.signal).catch(() => undefined)
      this.#isTouched = false
      this.#nap = new AbortController()
    }
  }

  async #announceIfChanged(): Promise<void> {
    let value = await this.#read()
    let isAtRest = value === this.#announced
    while (!isAtRest) {
      await this.#clock.sleep(SETTLE_MS, this.#closing.signal).catch(() => undefined)
      const before = value
      value = await this.#read()
      isAtRest = value === before
    }
    if (this.#closing.signal.aborted) return
    const wasUnreadable = this.#isUnreadable
    this.#isUnreadable = value === undefined
    if (value === undefined) {
      if (!wasUnreadable) this.#options.onEvent?.({ type: 'secret-unreadable', name: this.name, error: this.#error })
    } else if (value !== this.#announced) {
      this.#announced = value
      this.#options.onEvent?.({ type: 'secret-changed', secret: labelOf(this, value) })
      this.#options.onChange?.()
    }
  }

  /** undefined where the file is missing, unreadable or empty; remembers what was good, and what was wrong. */
  async #read(): Promise<string | undefined> {
    try {
      const value = (await readFile(this.#options.path, 'utf8')).trim()
      if (value !== '') return (this.#good = value)
      this.#error = 'EMPTY'
    } catch (thrown) {
      this.#error = toOAuthError(thrown).error
    }
    return undefined
  }
}
