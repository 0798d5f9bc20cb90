import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { engine, IMAGE } from '../support/containers.ts'

const run = promisify(execFile)

/** Every path in the image. */
async function files(): Promise<string[]> {
  const container = await (await engine()).createContainer({ Image: IMAGE })
  try {
    const { stdout } = await run('sh', ['-c', `docker export ${container.id} | tar -t`], { maxBuffer: 1024 ** 2 })
    return stdout.split('\n')
  } finally {
    await container.remove()
  }
}

test('the image says what it is, runs as a numbered user and checks its own health', async () => {
  const { Config: config, Size: bytes } = await (await engine()).getImage(IMAGE).inspect()
  expect(config).toMatchObject({
    User: '65532:65532',
    Entrypoint: ['cloudaware-proxy'],
    Cmd: ['serve'],
    Healthcheck: { Test: ['CMD', 'cloudaware-proxy', 'wait', '--max', '2s'] },
    Labels: {
      'org.opencontainers.image.title': manifest.name,
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.licenses': manifest.license,
    },
  })
  expect(bytes).toBeLessThan(140_000_000)
})

test('it holds Node, its libraries, certificates and the program: no shell, no npm, no library that is not bundled', async () => {
  const paths = await files()
  const programs = paths.filter((path) => /(^|\/)s?bin\/./.test(path))
  expect(programs.sort()).toEqual(['usr/local/bin/cloudaware-proxy', 'usr/local/bin/node'])
  expect(paths).toEqual(
    expect.arrayContaining(['etc/ssl/certs/ca-certificates.crt', 'app/main.mjs', 'app/sbom.json', 'app/LICENSE']),
  )
  expect(paths.filter((path) => path.includes('node_modules'))).toEqual([])
})

test('V8 is kept small by the entry point, and NODE_OPTIONS is left to whoever runs it', async () => {
  const { Config: config } = await (await engine()).getImage(IMAGE).inspect()
  expect(config.Env.filter((line) => line.startsWith('NODE_OPTIONS'))).toEqual([])
  const container = await (
    await engine()
  ).createContainer({ Image: IMAGE, Cmd: ['wait', '--max', '60s'], Env: ['NODE_OPTIONS=--no-warnings'] })
  try {
    await container.start()
    const look = `process.stdout.write(require('node:fs').readFileSync('/proc/1/cmdline', 'utf8').replaceAll('\\0', ' '))`
    const { stdout } = await run('docker', ['exec', container.id, 'node', '-e', look])
    expect(stdout).toContain('node --max-semi-space-size=1 ')
  } finally {
    await container.remove({ force: true })
  }
})

const MINDS_SIGTERM = `
const minds = () => BigInt('0x' + /SigCgt:\\s*(\\w+)/.exec(readFileSync('/proc/1/status', 'utf8'))[1]) >> 14n & 1n
const { readFileSync } = process.getBuiltinModule('node:fs')
const look = () => minds() ? undefined : setTimeout(look, 20)
look()`

test('as the first process it ends at once when it is told to before it serves', async () => {
  const container = await (await engine()).createContainer({ Image: IMAGE, Cmd: ['wait', '--max', '60s'] })
  try {
    await container.start()
    // What comes before the first line of any program's own is lost for the first process: wait for that line.
    await run('docker', ['exec', container.id, 'node', '-e', MINDS_SIGTERM])
    await container.stop({ t: 30 })
    // 137 would be the kill after 30 seconds.
    expect(await container.wait()).toMatchObject({ StatusCode: 143 })
  } finally {
    await container.remove({ force: true })
  }
})
