import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** For programs of ours that a test starts: half of a start's work is compiling, the same each time. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../../.cache/test-code', import.meta.url)) }

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly nodeFlags?: readonly string[]
  /** Where the program's own place for compiled code is what is tested. */
  readonly keepsItsCode?: boolean
}

/** The real program in a process of its own: in a directory without config.env, and with no environment but this and where compiled code is kept. */
export function startChild(argv: readonly string[], options: ChildOptions = {}) {
  const { env = {}, cwd = import.meta.dirname, nodeFlags = [], keepsItsCode = false } = options
  const child = spawn(process.execPath, [...nodeFlags, MAIN, ...argv], {
    env: { ...(keepsItsCode ? {} : COMPILE_CACHE), ...env },
    cwd,
    stdio: 'pipe',
  })
  const lines: string[] = []
  let news = Promise.withResolvers<undefined>()
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    lines.push(line)
    news.resolve(undefined)
    news = Promise.withResolvers()
  })
  const over = once(reader, 'close')
  const ended = Promise.all([once(child, 'close'), over, text(child.stderr)]).then(([, , stderr]) => {
    return { code: child.exitCode, stdout: lines.join('\n'), stderr }
  })
  return {
    child,
    ended,
    /** How many lines of the standard output have this text. */
    count: (part: string) => lines.filter((line) => line.includes(part)).length,
    /** The first line of the standard output with this text, once it is there. */
    async line(part: string): Promise<string> {
      const isOver = over.then(() => true)
      for (;;) {
        const found = lines.find((line) => line.includes(part))
        if (found !== undefined) return found
        if ((await Promise.race([news.promise, isOver])) === true && !lines.some((line) => line.includes(part))) {
          throw new Error(`ended without "${part}": ${lines.join('\n')}`)
        }
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
