import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { COMPILE_CACHE } from '../support/child-cli.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The real program, in a directory without config.env and with no environment but this. */
function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}, nodeFlags: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeFlags, MAIN, ...argv], {
    env: { ...COMPILE_CACHE, ...env },
    cwd: import.meta.dirname,
    stdio: 'pipe',
  })
  const ended: Promise<Ended> = Promise.all([
    once(child, 'close'),
    text(child.stdout).catch(() => ''),
    text(child.stderr),
  ]).then(([, stdout, stderr]) => ({ code: child.exitCode, stdout, stderr }))
  return {
    child,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function envFor(org: Emulator): Record<string, string> {
  return {
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
    PROXY_PORT: '0',
    ADMIN_PORT: '0',
  }
}

/** The fields of the first log line with this message. */
async function logged(child: ReturnType<typeof start>['child'], message: string): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stdout })) {
    // A line of pino's is a JSON object.
    const fields = JSON.parse(line) as Record<string, unknown>
    if (fields.msg === message) return fields
  }
  throw new Error(`ended without "${message}"`)
}

test('a wrong configuration ends with 2 and a list on the standard error, without values', async () => {
  await using run = start(['serve', '--proxy-port', 'value-a'], { CLOUDAWARE_URL: 'http://value-b.example' })
  const { code, stdout, stderr } = await run.ended
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^The configuration is wrong:\n(- .+\n){4}See --help/)
  for (const name of ['PROXY_PORT', 'CLOUDAWARE_URL', 'CLOUDAWARE_CLIENT_ID', 'CLOUDAWARE_CLIENT_SECRET']) {
    expect(stderr).toContain(`- ${name} `)
  }
  expect(stderr).not.toContain('value-')
})

test('a port in use ends with 1 and one line', async () => {
  await using org = await startEmulator()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  await using run = start([], { ...envFor(org), PROXY_HOST: '127.0.0.1', PROXY_PORT: String(port) })
  const { code, stderr } = await run.ended
  server.close()
  expect(code).toBe(1)
  expect(stderr).toBe(
    `PROXY_PORT: port ${port} on 127.0.0.1 is already in use. Choose another port, or 0 for any free one.\n`,
  )
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends the running proxy with 0', async (signal) => {
  await using org = await startEmulator()
  await using run = start(['serve'], { ...envFor(org), npm_lifecycle_event: 'start' })
  const { url, upstream } = await logged(run.child, 'listening')
  expect(upstream).toBe(org.url)
  expect((await fetch(`${String(url)}/services/data/v67.0/limits`)).status).toBe(200)
  run.child.kill(signal)
  // npm passes the terminal's signal on a second time: that is no impatience.
  run.child.kill(signal)
  const { code, stderr } = await run.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

/** An org that issues a token and then never answers; resolves when a request hangs in it. */
async function hangingOrg() {
  const hanging = Promise.withResolvers<undefined>()
  const server = createHttpServer((request, response) => {
    if (request.url === '/services/oauth2/token') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: '00D000000000001!placeholder', token_type: 'Bearer' }))
    } else {
      hanging.resolve(undefined)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  const env = {
    CLOUDAWARE_URL: `http://127.0.0.1:${port}`,
    CLOUDAWARE_CLIENT_ID: 'key',
    CLOUDAWARE_CLIENT_SECRET: 'secret',
    PROXY_PORT: '0',
    ADMIN_PORT: '0',
  }
  return {
    env,
    hanging: hanging.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('requests cut short at the end of the drain make it end with 1', async () => {
  await using org = await hangingOrg()
  await using run = start(['--drain-timeout-ms=50'], org.env)
  const { url } = await logged(run.child, 'listening')
  const cut = expect(fetch(`${String(url)}/services/data/v67.0/limits`)).rejects.toThrow()
  await org.hanging
  run.child.kill('SIGTERM')
  await cut
  expect(await run.ended).toMatchObject({ code: 1, stderr: '' })
})

test('an impatient second signal ends the drain at once', async () => {
  await using org = await hangingOrg()
  await using run = start(['--drain-timeout-ms=600000'], org.env)
  const { url } = await logged(run.child, 'listening')
  const cut = expect(fetch(`${String(url)}/services/data/v67.0/limits`)).rejects.toThrow()
  await org.hanging
  const signals = setInterval(() => run.child.kill('SIGINT'), 300)
  const { code } = await run.ended
  clearInterval(signals)
  await cut
  expect(code).toBe(1)
})

test('an error that nobody caught is logged and ends the proxy with 1', async () => {
  await using org = await startEmulator()
  const mistake = 'data:text/javascript,process.on("SIGWINCH",()=>{throw new Error("a mistake")})'
  await using run = start([], envFor(org), ['--import', mistake])
  await logged(run.child, 'listening')
  const crashed = logged(run.child, 'crashed')
  run.child.kill('SIGWINCH')
  expect(await crashed).toMatchObject({ level: 60, err: { message: 'a mistake' } })
  expect((await run.ended).code).toBe(1)
})

test('a reader that goes away does not crash the proxy', async () => {
  await using org = await startEmulator()
  await using run = start(['serve', '--log-level=trace'], envFor(org))
  const { url } = await logged(run.child, 'listening')
  run.child.stdout.destroy()
  for (let count = 0; count < 3; count++) {
    expect((await fetch(`${String(url)}/services/data/v67.0/limits`)).status).toBe(200)
  }
  run.child.kill('SIGTERM')
  const { code, stderr } = await run.ended
  expect(code).toBe(0)
  expect(stderr).toMatch(/^cloudaware-proxy: the log cannot be written \(EPIPE: its reader is gone\).*\n$/)
})

test('the emulator ends with 0 at SIGTERM', async () => {
  await using run = start(['emulator'])
  await once(run.child.stdout, 'data')
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
})

test('--help prints to the standard output and ends with 0', async () => {
  await using run = start(['--help'])
  const { code, stdout, stderr } = await run.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('Usage: cloudaware-proxy')
})
