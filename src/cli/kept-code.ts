import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { getHeapCodeStatistics } from 'node:v8'
import { Script } from 'node:vm'

/** By the first, what a start comes to has run, and V8 has thrown none of it away yet; by the second, callers may have come. */
const SETTLED_MS = [1000, 60_000]
/** So much more code than when it was kept: that was too early, or a start that failed. */
const MUCH_MORE = 1.2

const DIGEST_BYTES = 32
const HEAD_BYTES = DIGEST_BYTES + 8

type CommonJs = (exports: unknown, require: NodeJS.Require, module: { exports: unknown }, filename: string) => void

export interface KeptOptions {
  /** A file of ASCII: a function expression that takes what CommonJS modules are given. */
  readonly program: string
  /** Where the compiled code may be kept. */
  readonly kept?: Keeping
}

export interface Keeping {
  /** Nobody else may be able to write it. */
  readonly file: string
  /** Of the program's content; V8 itself compares lengths only. */
  readonly digest: string
  readonly settledMs?: readonly number[]
}

/**
 * Runs a program with what V8 compiled of it in an earlier run, and keeps that for the next one. Unlike Node's compile cache, which
 * holds what is compiled on loading, it holds the functions that were called: they are most of a start's work.
 */
export function runKept({ program, kept }: KeptOptions): { exports: unknown; isKept: boolean } {
  const found = kept && read(kept)
  const script = new Script(readFileSync(program, 'latin1'), {
    filename: pathToFileURL(program).href,
    ...(found && { cachedData: found.code }),
  })
  // V8 refuses what another version of it made, or one with other flags.
  const isKept = found !== undefined && script.cachedDataRejected === false
  if (kept !== undefined) keepLater(script, kept, isKept ? found.size : 0)
  const module = { exports: {} }
  const run = script.runInThisContext() as CommonJs // what `program` has to be
  run(module.exports, createRequire(program), module, program)
  return { exports: module.exports, isKept }
}

/** When a program that stays has settled, or at the end of one that went well. `sizeBefore`: of the code when it was kept. */
function keepLater(script: Script, keeping: Keeping, sizeBefore: number): void {
  let sizeKept = sizeBefore
  const keep = () => {
    const size = codeSize()
    if (size < sizeKept * MUCH_MORE) return
    sizeKept = size
    write(keeping, { size, code: script.createCachedData() })
  }
  for (const ms of keeping.settledMs ?? SETTLED_MS) setTimeout(keep, ms).unref()
  process.once('exit', (code) => {
    if (code === 0) keep()
  })
}

function codeSize(): number {
  return getHeapCodeStatistics().bytecode_and_metadata_size
}

interface Kept {
  readonly size: number
  readonly code: Buffer
}

function read({ file, digest }: Keeping): Kept | undefined {
  try {
    const bytes = readFileSync(file)
    const rest = bytes.subarray(DIGEST_BYTES)
    if (!digestOf(digest, rest).equals(bytes.subarray(0, DIGEST_BYTES))) return undefined
    return { size: rest.readDoubleLE(0), code: bytes.subarray(HEAD_BYTES) }
  } catch {
    // Nothing was kept yet.
    return undefined
  }
}

/** Whole or not at all. Where several write at once, what comes of it has the wrong digest, and is written again. */
function write({ file, digest }: Keeping, { size, code }: Kept): void {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeDoubleLE(size, DIGEST_BYTES)
  digestOf(digest, Buffer.concat([head.subarray(DIGEST_BYTES), code])).copy(head)
  // Always the same, so that those who are killed meanwhile leave no more than one.
  const draft = `${file}.new`
  try {
    writeFileSync(draft, Buffer.concat([head, code]), { mode: 0o600 })
    renameSync(draft, file)
  } catch {
    // A full disk, or one that has become read-only: the next start compiles again.
    rmSync(draft, { force: true })
  }
}

/** V8 does not notice code that was damaged, nor a program that was changed. */
function digestOf(program: string, rest: Buffer): Buffer {
  return createHash('sha256').update(program).update(rest).digest()
}
