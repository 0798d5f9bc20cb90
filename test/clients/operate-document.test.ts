import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { COMPILE_CACHE, startChild } from '../support/child-cli.ts'
import { settingsOf } from '../support/doctor.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/*
 * Every console of docs/operate.md is typed into a shell, line by line, and must print what is shown there.
 */

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

interface Shown {
  readonly section: string
  /** Whether it speaks of a standing proxy. */
  readonly needsProxy: boolean
  readonly consoles: readonly string[]
}

const SECTIONS: readonly Shown[] = read('docs/operate.md')
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    section: section.split('\n')[0] ?? '',
    needsProxy: /with a proxy running/i.test(section),
    consoles: Array.from(section.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block),
  }))

/** The ports of the document and those that stand for them here. */
type Ports = readonly (readonly [shown: string, real: string])[]

/** A standing proxy in front of the org, as the document starts one. */
async function standing(org: Emulator) {
  const ports = { PROXY_PORT: '0', ADMIN_PORT: '0', ADMIN_ALLOW_QUIT: 'true' }
  const run = startChild(['serve'], { env: { ...settingsOf(org), ...ports } })
  // What serve logs as JSON.
  const { url, adminUrl } = JSON.parse(await run.line('"listening"')) as { url: string; adminUrl: string }
  return { run, ports: [['8080', new URL(url).port] as const, ['9090', new URL(adminUrl).port] as const] }
}

/** A shell in which `cloudaware-proxy` is this program, and the document's ports are those at hand. */
async function shell(org: Emulator, ports: Ports) {
  const directory = await temporaryDirectory()
  await writeFile(directory.file('cloudaware-proxy'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, {
    mode: 0o755,
  })
  const admin = ports.find(([shown]) => shown === '9090')?.[1] ?? '9090'
  const env = {
    ...COMPILE_CACHE,
    ...settingsOf(org),
    ADMIN_PORT: admin,
    PATH: `${directory.path}:${process.env.PATH ?? ''}`,
  }
  const real = (command: string) =>
    ports.reduce((text, [shown, port]) => text.replaceAll(`:${shown}/`, `:${port}/`), command)
  return {
    /** Types the commands of a console, and gives back what it then looks like. */
    async type(block: string): Promise<string> {
      const commands = Array.from(block.matchAll(/^\$ (.*)$/gm), ([, command = '']) => command)
      const lines = commands.flatMap((command) => [
        `printf '%s\\n' ${quoted(`$ ${command}`)}`,
        // What echo $? shows is the status of the command before it.
        ...(command === 'echo $?' ? ['echo $status'] : [real(command), 'status=$?']),
      ])
      const child = spawn('sh', ['-c', `exec 2>&1\n${lines.join('\n')}`], { env, cwd: directory.path })
      const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
      return settled(output, ports)
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

const quoted = (line: string) => `'${line.replaceAll("'", `'\\''`)}'`

/** What is new each time, and what the document has in its place. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8} \(opaque\)/g, '44dd6158 (opaque)'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-11-25T09:38:00.000Z'],
  [/((?:since|until)\s+)\d{4}-\d\d-\d\d [\d:]+Z/g, '$12026-11-25 09:38:00Z'],
  [/obtained \d+ s ago/g, 'obtained 2 s ago'],
  [/^( {2}Up {9}).*$/gm, '$12 s, since 2026-11-25 09:37:58Z'],
  [/\d h( \d+ min)? left/g, '1 h 59 min left'],
  [/next refresh in 1 h \d+\s+min/g, 'next refresh in 1 h 33\n             min'],
  [/next attempt in (\d+ s|1 min)/g, 'next attempt in 59 s'],
  [/"nextAttemptInSeconds":\d+/g, '"nextAttemptInSeconds":57'],
]

function settled(output: string, ports: Ports): string {
  const shown = ports.reduce((text, [port, real]) => text.replaceAll(real, port), output)
  return PASSING.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), shown)
}

test.each(SECTIONS.filter(({ consoles }) => consoles.length > 0))('$section', async ({ consoles, needsProxy }) => {
  await using org = await startEmulator()
  await using ending = new AsyncDisposableStack()
  const proxy = needsProxy ? await standing(org) : undefined
  if (proxy) ending.use(proxy.run)
  await using typing = await shell(org, [['8090', String(org.port)], ...(proxy?.ports ?? [])])
  for (const block of consoles) expect((await typing.type(block)).trimEnd()).toBe(block.trimEnd())
})

test('the README shows the same failure as the document', () => {
  const [, example = ''] = /^```text\n( {2}✓ Settings.*?)^```$/ms.exec(read('README.md')) ?? []
  expect(example).not.toBe('')
  expect(read('docs/operate.md')).toContain(example)
})
