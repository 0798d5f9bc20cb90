import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SOAK = fileURLToPath(new URL('../../bench/soak/main.ts', import.meta.url))

test('ten minutes with tokens that live 20 seconds: no failure caused by the proxy', () => {
  const { PATH = '', HOME = '' } = process.env
  const argv = [SOAK, '--minutes', process.env.SOAK_MINUTES ?? '10', '--lifetime', '20']
  const { status, stdout } = spawnSync(process.execPath, argv, { env: { PATH, HOME }, encoding: 'utf8' })
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/failures caused by the proxy +0/) as string,
  })
})
