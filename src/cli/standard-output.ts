import { writeSync } from 'node:fs'

/** What became of text that could not be written. */
export interface OutputHealth {
  /** Since the start. */
  readonly lostLines: number
  /** The system's word for why nothing can be written now: ENOSPC, EPIPE; EAGAIN where the reader stalls. */
  readonly problem: string | undefined
}

export interface OutputListener {
  /** Text is lost from now on. */
  onFailing(problem: string): void
  /** Text can be written again; so many lines were lost since this was reported before. */
  onRecovered(lost: { readonly lines: number; readonly problem: string }): void
}

export interface StandardOutputOptions {
  readonly fd: number
  /** Writes what it can, and returns how many bytes; throws the system's errors. */
  readonly write?: (fd: number, bytes: Buffer) => number
  readonly now?: () => number
}

/** What is kept for a reader that stalls. */
const MAX_PENDING_BYTES = 1024 * 1024
const RETRY_MS = 20
const REPORT_EVERY_MS = 10_000

/**
 * A standard stream of a program that goes on without it: a full disk, a reader that went away or one that stalls neither ends, blocks nor
 * bloats the process. What cannot be written is lost, and counted. Not process.stdout: after its first error a stream keeps what is written to it.
 */
export class StandardOutput implements OutputHealth {
  lostLines = 0
  problem: string | undefined
  readonly #fd: number
  readonly #write: (fd: number, bytes: Buffer) => number
  readonly #now: () => number
  #listener: OutputListener | undefined
  #pending: Buffer[] = []
  #pendingBytes = 0
  #isWaiting = false
  /** The last line that was written lacks its end, and gets none. */
  #isCut = false
  #unreported = 0
  #lastProblem = ''
  #reportedAt = -Infinity

  constructor({ fd, write = writeSync, now = () => performance.now() }: StandardOutputOptions) {
    this.#fd = fd
    this.#write = write
    this.#now = now
  }

  /** For the one who has somewhere else to report it. */
  watch(listener: OutputListener): void {
    this.#listener = listener
  }

  write(text: string): void {
    const bytes = Buffer.from(text)
    // One piece may be larger than all that is kept.
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      this.#lose(linesIn(bytes), 'EAGAIN')
      return
    }
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (!this.#isWaiting) this.flush()
  }

  /** Writes what is there, as far as it can be written now. */
  flush(): void {
    if (this.#pendingBytes === 0) return
    let rest = Buffer.concat(this.#pending)
    let isTorn = this.#isCut
    let problem: string | undefined
    try {
      if (this.#isCut) this.#write(this.#fd, NEW_LINE)
      this.#isCut = false
      while (rest.length > 0) {
        const written = this.#write(this.#fd, rest)
        if (written > 0) isTorn = rest[written - 1] !== NEW_LINE[0]
        rest = rest.subarray(written)
      }
    } catch (error) {
      problem = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    }
    if (problem === 'EAGAIN') {
      this.#pending = [rest]
      this.#pendingBytes = rest.length
      this.#retryLater()
      return
    }
    this.#pending = []
    this.#pendingBytes = 0
    if (problem === undefined) this.#recover()
    else {
      this.#isCut = isTorn
      this.#lose(linesIn(rest), problem)
    }
  }

  #retryLater(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => {
      this.#isWaiting = false
      this.flush()
    }, RETRY_MS)
  }

  #lose(lines: number, problem: string): void {
    const isNew = this.problem === undefined
    this.lostLines += lines
    this.#unreported += lines
    this.problem = problem
    this.#lastProblem = problem
    if (isNew) this.#listener?.onFailing(problem)
  }

  #recover(): void {
    this.problem = undefined
    if (this.#unreported === 0 || this.#now() - this.#reportedAt < REPORT_EVERY_MS) return
    const lines = this.#unreported
    this.#unreported = 0
    this.#reportedAt = this.#now()
    this.#listener?.onRecovered({ lines, problem: this.#lastProblem })
  }
}

const NEW_LINE = Buffer.from('\n')

function linesIn(bytes: Buffer): number {
  let lines = bytes.length > 0 && bytes.at(-1) !== NEW_LINE[0] ? 1 : 0
  for (let at = bytes.indexOf(NEW_LINE); at !== -1; at = bytes.indexOf(NEW_LINE, at + 1)) lines += 1
  return lines
}
