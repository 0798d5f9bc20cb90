import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { settingsOf } from '../support/doctor.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const PATH = process.env.PATH ?? ''
/** A program in JavaScript, as a command. */
const script = (source: string) => ['--', process.execPath, '--input-type=module', '--eval', source]

test('the command reads our stdin, calls the API without a login, has the standard output to itself, and its exit code is ours', async () => {
  await using org = await startEmulator()
  const program = script(`
    import { text } from 'node:stream/consumers'
    const { CLOUDAWARE_PROXY_URL, SF_ORG_INSTANCE_URL, CLOUDAWARE_CLIENT_SECRET } = process.env
    const limits = await fetch(CLOUDAWARE_PROXY_URL + '/services/data/v67.0/limits')
    console.log(JSON.stringify({
      stdin: await text(process.stdin),
      status: limits.status,
      url: CLOUDAWARE_PROXY_URL,
      isSame: CLOUDAWARE_PROXY_URL === SF_ORG_INSTANCE_URL,
      secret: CLOUDAWARE_CLIENT_SECRET,
    }))
    console.error('to the standard error')
    process.exitCode = 42
  `)
  await using run = startChild(['exec', ...program], { env: settingsOf(org) })
  run.child.stdin.end('what was typed')
  const { code, stdout, stderr } = await run.ended
  expect({ code, stderr }).toEqual({ code: 42, stderr: 'to the standard error\n' })
  // What the program above prints.
  const told = JSON.parse(stdout) as { url: string }
  expect(told).toEqual({
    stdin: 'what was typed',
    status: 200,
    url: expect.stringMatching(/^http:\/\/localhost:\d+$/) as string,
    isSame: true,
  })
  await expect(fetch(told.url)).rejects.toThrow()
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)(
  '%s is passed on, and how the command ends is up to the command',
  async (signal) => {
    await using org = await startEmulator()
    const program = script(`
      process.on('${signal}', () => { console.log('got ${signal}'); process.exit(9) })
      console.log('started')
      setInterval(() => undefined, 60_000)
    `)
    await using run = startChild(['exec', ...program], { env: settingsOf(org) })
    await run.line('started')
    run.child.kill(signal)
    expect(await run.ended).toMatchObject({ code: 9, stdout: `started\ngot ${signal}`, stderr: '' })
  },
)

test('a command that a signal ends gives 128 and the number of the signal', async () => {
  await using org = await startEmulator()
  await using run = startChild(['exec', '--', 'sh', '-c', 'kill -KILL $$'], { env: { ...settingsOf(org), PATH } })
  expect(await run.ended).toMatchObject({ code: 137, stderr: '' })
})

test('a signal that comes while a token is awaited ends the wait, and nothing is started', async () => {
  await using org = await startEmulator()
  org.org.fail('hang')
  await using run = startChild(['exec', ...script('console.log("started")')], { env: settingsOf(org) })
  await expect.poll(() => org.tokenRequests()).toBe(1)
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 143, stdout: '' })
})

test('a crash of ours ends the command too', async () => {
  await using org = await startEmulator()
  const mistake = 'data:text/javascript,process.on("SIGWINCH",()=>{throw new Error("a mistake")})'
  const program = script(`
    process.on('SIGTERM', () => { console.log('told to end'); process.exit() })
    console.log('started')
    setInterval(() => undefined, 60_000)
  `)
  await using run = startChild(['exec', ...program], { env: settingsOf(org), nodeFlags: ['--import', mistake] })
  await run.line('started')
  run.child.kill('SIGWINCH')
  expect(await run.ended).toMatchObject({ code: 1, stdout: 'started\ntold to end' })
})

test('several run at once, beside a standing proxy with the same config.env', async () => {
  await using org = await startEmulator()
  await using directory = await temporaryDirectory()
  await using ports = await temporaryDirectory()
  const settings = { ...settingsOf(org), PROXY_SOCKET: ports.file('proxy.sock'), PROXY_PORT: '0', ADMIN_PORT: '0' }
  const lines = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(directory.file('config.env'), lines(settings).join(''))
  await using standing = startChild(['serve'], { cwd: directory.path })
  // What serve logs as JSON.
  const { url, adminUrl } = JSON.parse(await standing.line('"listening"')) as { url: string; adminUrl: string }
  const taken = { PROXY_PORT: new URL(url).port, ADMIN_PORT: new URL(adminUrl).port }
  await writeFile(directory.file('config.env'), lines({ ...settings, ...taken }).join(''))
  const program = script(`
    console.log((await fetch(process.env.CLOUDAWARE_PROXY_URL + '/services/data/v67.0/limits')).status)
    process.stdin.resume().on('end', () => process.exit())
  `)
  await using one = startChild(['exec', ...program], { cwd: directory.path })
  await using other = startChild(['exec', ...program], { cwd: directory.path })
  await Promise.all([one.line('200'), other.line('200')])
  one.child.stdin.end()
  other.child.stdin.end()
  expect(await one.ended).toMatchObject({ code: 0, stderr: '' })
  expect(await other.ended).toMatchObject({ code: 0, stderr: '' })
  standing.child.kill('SIGTERM')
  expect(await standing.ended).toMatchObject({ code: 0 })
})
