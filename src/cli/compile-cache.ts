import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { stateDirectory } from './state-directory.ts'

/** Others may not write to a folder from which code is taken into a process that holds credentials. */
const WRITABLE_BY_OTHERS = 0o022

/**
 * Has Node keep what V8 compiled of this program, in the program's own state directory, so that a later start need not compile it again.
 * Only where that is a folder of this very user's; where it cannot be, every start compiles, as if nothing had been asked.
 * Node's own settings (NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE) come first. Returns the folder, where there is one.
 */
export function keepCompiledCode(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { HOME, XDG_STATE_HOME, STATE_DIRECTORY, NODE_COMPILE_CACHE, NODE_V8_COVERAGE } = env
  // Coverage is told less precisely of code that was not compiled anew.
  if (NODE_COMPILE_CACHE !== undefined || NODE_V8_COVERAGE !== undefined) return undefined
  // Whose home it would be nobody said.
  if (HOME === undefined && XDG_STATE_HOME === undefined && STATE_DIRECTORY === undefined) return undefined
  const folder = join(stateDirectory({ env }), 'compiled')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const facts = lstatSync(folder)
    // Windows knows no such ids: there a home is its user's alone.
    const isOurs = process.getuid === undefined || facts.uid === process.getuid()
    if (!facts.isDirectory() || !isOurs || (facts.mode & WRITABLE_BY_OTHERS) !== 0) return undefined
    // It does not throw: a full disk is a start without.
    return enableCompileCache(folder).directory
  } catch {
    // Read-only, or no place for folders: nothing is missing but speed.
    return undefined
  }
}
