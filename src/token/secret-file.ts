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
  /** What its user has read already: a file that changes before the first look here has changed. */
  readonly known?: string | undefined
  readonly onEvent?: ((event: TokenEvent) => void) | undefined
  /** Called after the content changed and came to rest. */
  readonly onChange?: (() => void) | undefined
}

/** A secret in a file: read at each use and watched in between. The last good content stands in while the file is missing or empty. */
export interface SecretFile extends SecretSource {
  /** Waits for a file that is being written to come to rest. */
  current(): Promise<string>
  /** Looks at the file now, whatever the events of its directory say. Resolves, once a change is announced or there is none, to which it was. */
  look(): Promise<boolean>
  close(): Promise<void>
}

/** Events of a directory can be lost (network file systems, links that lead elsewhere), so the file is also looked at this often. */
const POLL_MS = 30_000
/** A file that is being written changes again within this. */
const SETTLE_MS = 250
/** A file that changes for longer than so many times that is taken as it is. */
const MOST_CHANGES = 20

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
  /** The directory changed since the file was last looked at, or somebody asked. */
  #isTouched = false
  /** Settled with the next look at the file that ends. */
  #nextLook = Promise.withResolvers<boolean>()

  constructor(options: SecretFileOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#announced = options.known?.trim()
    this.name = `${options.setting} (${options.path})`
    this.#done = Promise.all([this.#follow(), this.#watchDirectory()])
  }

  async current(): Promise<string> {
    // Before the first look there is nothing to compare with, and the start should not wait.
    const value = (await (this.#announced === undefined ? this.#read() : this.#readAtRest())) ?? this.#good
    if (value !== undefined) return value
    const description = `${this.name} is missing, unreadable or empty`
    throw new OAuthError({ kind: 'permanent', error: 'secret_unreadable', description })
  }

  async look(): Promise<boolean> {
    this.#touch()
    return this.#nextLook.promise
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#nap.abort()
    await this.#done
    this.#nextLook.resolve(false)
  }

  /** The directory, not the file: a file renamed over, or Kubernetes' `..data` link swapped, is another inode. */
  async #watchDirectory(): Promise<void> {
    const { path } = this.#options
    try {
      for await (const { filename } of watch(dirname(path), { signal: this.#closing.signal })) {
        if (filename !== basename(path) && !String(filename).startsWith('..')) continue
        this.#touch()
      }
    } catch {
      // No such directory yet, no more watches to be had, or closed: looking at the file every now and then is enough.
    }
  }

  #touch(): void {
    this.#isTouched = true
    this.#nap.abort()
  }

  async #follow(): Promise<void> {
    this.#announced ??= await this.#read()
    while (!this.#closing.signal.aborted) {
      const hasChanged = await this.#announceIfChanged()
      this.#nextLook.resolve(hasChanged)
      this.#nextLook = Promise.withResolvers()
      if (!this.#isTouched) await this.#clock.sleep(POLL_MS, this.#nap.signal).catch(() => undefined)
      this.#isTouched = false
      this.#nap = new AbortController()
    }
  }

  async #announceIfChanged(): Promise<boolean> {
    const value = await this.#readAtRest()
    if (this.#closing.signal.aborted) return false
    const wasUnreadable = this.#isUnreadable
    this.#isUnreadable = value === undefined
    if (value === undefined) {
      if (!wasUnreadable) this.#options.onEvent?.({ type: 'secret-unreadable', name: this.name, error: this.#error })
      return false
    }
    if (value === this.#announced) return false
    this.#announced = value
    this.#options.onEvent?.({ type: 'secret-changed', secret: labelOf(this, value) })
    this.#options.onChange?.()
    return true
  }

  /** What was announced last, or what two reads agree upon. */
  async #readAtRest(): Promise<string | undefined> {
    let value = await this.#read()
    for (let changes = 0; value !== this.#announced && changes < MOST_CHANGES; changes++) {
      await this.#clock.sleep(SETTLE_MS, this.#closing.signal).catch(() => undefined)
      const before = value
      value = await this.#read()
      if (value === before) break
    }
    return value
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
