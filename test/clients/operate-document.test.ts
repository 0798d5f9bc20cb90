import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { settingsOf } from '../support/doctor.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/*
 * Every console of docs/operate.md is typed into a shell, line by line, and must print what is shown there.
 */

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

interface Shown {
  readonly section: string
  readonly consoles: readonly string[]
}

const SECTIONS: readonly Shown[] = read('docs/operate.md')
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    section: section.split('\n')[0] ?? '',
    consoles: Array.from(section.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block),
  }))

/** A shell in which `cloudaware-proxy` is this program, and the document's port of the emulator the one at hand. */
async function shell(org: Emulator) {
  const directory = await temporaryDirectory()
  await writeFile(directory.file('cloudaware-proxy'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, {
    mode: 0o755,
  })
  const env = { ...settingsOf(org), PATH: `${directory.path}:${process.env.PATH ?? ''}` }
  return {
    /** Types the commands of a console, and gives back what it then looks like. */
    async type(block: string): Promise<string> {
      const commands = Array.from(block.matchAll(/^\$ (.*)$/gm), ([, command = '']) => command)
      const lines = commands.flatMap((command) => [
        `printf '%s\\n' ${quoted(`$ ${command}`)}`,
        // What echo $? shows is the status of the command before it.
        ...(command === 'echo $?'
          ? ['echo $status']
          : [command.replaceAll('127.0.0.1:8090', `127.0.0.1:${org.port}`), 'status=$?']),
      ])
      const child = spawn('sh', ['-c', `exec 2>&1\n${lines.join('\n')}`], { env, cwd: directory.path })
      const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
      return settled(output, org)
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

const quoted = (line: string) => `'${line.replaceAll("'", `'\\''`)}'`

/** The output with the port of the document, and without what is new each time. */
function settled(output: string, org: Emulator): string {
  return output.replaceAll(String(org.port), '8090').replaceAll(/\b[0-9a-f]{8} \(opaque\)/g, '44dd6158 (opaque)')
}

test.each(SECTIONS.filter(({ consoles }) => consoles.length > 0))('$section', async ({ consoles }) => {
  await using org = await startEmulator()
  await using typing = await shell(org)
  for (const block of consoles) expect((await typing.type(block)).trimEnd()).toBe(block.trimEnd())
})

test('the README shows the same failure as the document', () => {
  const [, example = ''] = /^```text\n( {2}✓ Settings.*?)^```$/ms.exec(read('README.md')) ?? []
  expect(example).not.toBe('')
  expect(read('docs/operate.md')).toContain(example)
})
