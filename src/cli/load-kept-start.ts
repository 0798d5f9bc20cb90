import { join } from 'node:path'
import process from 'node:process'
import { codeFolder } from './code-folder.ts'
import { runKept } from './kept-code.ts'
import type { Start } from './start.ts'

/** Told by `bundle.ts`: a digest of the program's text. */
declare const PROGRAM_DIGEST: string

/** The bundled program, with what V8 compiled of it when the same command ran before. */
export function loadStart(): Start {
  const folder = codeFolder(process.env)
  // Each command uses another part of the program. What is no command ends in an error, and nothing is kept of it.
  const [, , first = ''] = process.argv
  const command = /^[a-z]+$/.test(first) ? first : 'serve'
  const { exports } = runKept({
    program: join(import.meta.dirname, 'program.cjs'),
    digest: PROGRAM_DIGEST,
    kept: folder && join(folder, command),
  })
  // What `start.ts` exports.
  return (exports as { start: Start }).start
}
