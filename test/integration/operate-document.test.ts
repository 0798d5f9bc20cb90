import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { examine, settingsOf } from '../support/doctor.ts'

const document = readFileSync(new URL('../../docs/operate.md', import.meta.url), 'utf8')

/** What the document says that this command prints, each time that it is shown. */
function shown(command: string): string[] {
  return Array.from(document.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block.split(/^\$ /m))
    .flat()
    .filter((entry) => entry.startsWith(`${command}\n`))
    .map((entry) => entry.slice(command.length + 1))
}

/** The output with the ports of the document, and without what is new each time. */
function settled(output: string): string {
  return output
    .replaceAll(/(http:\/\/127\.0\.0\.1:|port )\d+/g, '$18090')
    .replaceAll(/\b[0-9a-f]{8} \(opaque\)/g, '44dd6158 (opaque)')
}

test('check prints what the document shows', async () => {
  await using org = await startEmulator()
  const [good, bad] = shown('cloudaware-proxy check')
  expect(settled((await examine(settingsOf(org))).out)).toBe(good)
  const [, fail = ''] = /\$ curl -X POST 'http:\/\/127\.0\.0\.1:8090(.*?)'/.exec(document) ?? []
  expect((await fetch(org.url + fail, { method: 'POST' })).status).toBe(204)
  const failing = settled((await examine(settingsOf(org))).out)
  expect(failing).toBe(bad)
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, example = ''] = /^```text\n( {2}✓ Settings.*?)^```$/ms.exec(readme) ?? []
  expect(example).not.toBe('')
  expect(failing).toContain(example)
})
