import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { stateDirectory } from './state-directory.ts'

/** Others may not write to a folder from which code is taken into a process that holds credentials. */
const WRITABLE_BY_OTHERS = 0o022

/**
 * Where what V8 compiled of this program may be kept: a folder in its own state directory. Undefined where that is no folder of this
 * very user's, or cannot be, or nothing is to be kept: then every start compiles, and nothing is missing but speed.
 */
export function codeFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { HOME, XDG_STATE_HOME, STATE_DIRECTORY, NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = env
  // Coverage is told less precisely of code that was not compiled anew.
  if (NODE_DISABLE_COMPILE_CACHE !== undefined || NODE_V8_COVERAGE !== undefined) return undefined
  // Whose home it would be nobody said.
  if (HOME === undefined && XDG_STATE_HOME === undefined && STATE_DIRECTORY === undefined) return undefined
  const folder = join(stateDirectory({ env }), 'compiled')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const facts = lstatSync(folder)
    // Windows knows no such ids: there a home is its user's alone.
    const isOurs = process.getuid === undefined || facts.uid === process.getuid()
    return facts.isDirectory() && isOurs && (facts.mode & WRITABLE_BY_OTHERS) === 0 ? folder : undefined
  } catch {
    // Read-only, or no place for folders.
    return undefined
  }
}
