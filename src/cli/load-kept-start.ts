import { join } from 'node:path'
import process from 'node:process'
import { codeFolder } from './code-folder.ts'
import { runKept, type KeptOptions } from './kept-code.ts'
import type { Start } from './start.ts'

/** Told by `bundle.ts`: a digest of the text of `program.cjs`. */
declare const PROGRAM_DIGEST: string

/** What takes little of the program: it asks one that runs, or tells of itself. */
const CLIENT: ReadonlySet<string> = new Set(['wait', 'quit', 'status', 'help', '--help', '-h', '--version'])

/** The bundled program, with what V8 compiled of it when the same command ran before. */
export function loadStart(): Start {
  const [, , first = ''] = process.argv
  const beside = (name: string) => join(import.meta.dirname, name)
  // Small enough to be compiled faster than anything could be checked.
  if (CLIENT.has(first)) return startOf({ program: beside('client.cjs') })
  const folder = codeFolder(process.env)
  if (folder === undefined) return startOf({ program: beside('program.cjs') })
  // Each command uses another part of the program. What is no command ends in an error, and nothing is kept of it.
  const command = /^[a-z]+$/.test(first) ? first : 'serve'
  return startOf({ program: beside('program.cjs'), kept: { file: join(folder, command), digest: PROGRAM_DIGEST } })
}

function startOf(options: KeptOptions): Start {
  // What `start.ts` exports.
  return (runKept(options).exports as { start: Start }).start
}
