import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `npm run demo` in a process group of its own, as a terminal starts it; resolves when it serves. */
async function startDemo() {
  const child = spawn('npm', ['run', 'demo', '--', '--proxy-port=0', '--admin-port=0', '--log-level=silent'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  const printed: string[] = []
  for await (const line of lines) {
    printed.push(line)
    if (line.includes('first token obtained')) break
  }
  // What comes later is read too, or the end of the stream would never be seen.
  child.stdout.resume()
  const group = -Number(child.pid)
  return {
    url: / (http:\/\/localhost:\d+) /.exec(printed.join('\n'))?.[1] ?? '',
    /** As Ctrl-C does: to npm and to whatever it started. */
    interrupt: () => process.kill(group, 'SIGINT'),
    /** As a service manager does: to npm alone. */
    terminate: () => child.kill('SIGTERM'),
    ended: ended.then(() => ({ code: child.exitCode, signal: child.signalCode })),
    [Symbol.asyncDispose]: async () => {
      // The group outlives npm where a shell died in between and left the program behind.
      try {
        process.kill(group, 'SIGKILL')
      } catch {
        // Nobody of it is left.
      }
      await ended
    },
  }
}

test('Ctrl-C ends `npm run demo` with 0: no shell stands between npm and the program', async () => {
  await using demo = await startDemo()
  expect((await fetch(`${demo.url}/services/data/v67.0/limits`)).status).toBe(200)
  demo.interrupt()
  expect(await demo.ended).toEqual({ code: 0, signal: null })
  await expect(fetch(demo.url)).rejects.toThrow()
})

test('SIGTERM to npm alone reaches the program, which ends with 0', async () => {
  await using demo = await startDemo()
  demo.terminate()
  expect(await demo.ended).toEqual({ code: 0, signal: null })
  await expect(fetch(demo.url)).rejects.toThrow()
})
