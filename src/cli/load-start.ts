import { enableCompileCache } from 'node:module'
import process from 'node:process'
import { codeFolder } from './code-folder.ts'
import type { Start } from './start.ts'

/** The program from its sources; the bundle has `load-kept-start.ts` in this one's place. */
export async function loadStart(): Promise<Start> {
  // Node's own setting comes first.
  const folder = process.env.NODE_COMPILE_CACHE === undefined ? codeFolder(process.env) : undefined
  // It does not throw: a full disk is a start without.
  if (folder !== undefined) enableCompileCache(folder)
  return (await import('./start.ts')).start
}
