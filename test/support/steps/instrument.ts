import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { regexpSteps, TooManySteps } from './regexp-steps.ts'

/** What has been done since it was set to zero. Beyond the limit the work ends with TooManySteps. */
const counter = { steps: 0, limit: Infinity }

/** The steps of some work: functions and loop iterations of src and of its parsers, matches of expressions, characters in built-in methods. */
export async function stepsOf(work: () => unknown, limit: number): Promise<number> {
  counter.steps = 0
  counter.limit = limit
  try {
    await work()
  } finally {
    counter.limit = Infinity
  }
  return counter.steps
}

function count(steps: number): void {
  counter.steps += steps
  if (counter.steps > counter.limit) throw new TooManySteps(`more than ${counter.limit} steps`)
}

Object.assign(globalThis, { countStep: count })

/** Modules whose functions and loops are counted; libraries that parse what callers send are among them. */
const COUNTED = /\/src\/.*\.ts$|\/steps\/quadratic\.ts$|\/node_modules\/(?:saxes|@jetstreamapp)\//

registerHooks({
  load(url, context, nextLoad) {
    if (!COUNTED.test(url)) return nextLoad(url, context)
    const isTypeScript = url.endsWith('.ts')
    const text = readFileSync(fileURLToPath(url), 'utf8')
    const source = counted(isTypeScript ? stripTypeScriptTypes(text) : text)
    const format = isTypeScript || context.format === 'module' ? 'module' : 'commonjs'
    return { format, source, shortCircuit: true }
  },
})

/** The same code with a count at the beginning of each function and of each iteration. */
function counted(text: string): string {
  const source = ts.createSourceFile('counted.js', text, ts.ScriptTarget.Latest, true)
  const insertions: { at: number; text: string }[] = []
  const insert = (at: number, added: string) => insertions.push({ at, text: added })
  const addTo = (body: ts.Node) => {
    if (ts.isBlock(body)) insert(body.getStart() + 1, 'countStep(1);')
    else if (ts.isStatement(body)) {
      insert(body.getStart(), '{countStep(1);')
      insert(body.getEnd(), '}')
    } else {
      insert(body.getStart(), '(countStep(1),')
      insert(body.getEnd(), ')')
    }
  }
  const visit = (node: ts.Node) => {
    if (ts.isIterationStatement(node, false)) addTo(node.statement)
    // Before `super()` there may be nothing that a derived class does; a constructor without a count loses one step.
    else if (ts.isFunctionLike(node) && 'body' in node && node.body && !ts.isConstructorDeclaration(node)) {
      addTo(node.body)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  // From the end. At one place what is inserted later stands inside: it closes before and opens after.
  let result = text
  for (const { at, text: added } of insertions.toSorted((one, other) => other.at - one.at)) {
    result = result.slice(0, at) + added + result.slice(at)
  }
  return result
}

/** What V8 does natively with a character costs about so much of what a function or an iteration does. */
const NATIVE = 1 / 8
/** An exception costs as much as so many steps: its stack is written down. */
const EXCEPTION_STEPS = 1000

type Method = (...parameters: unknown[]) => unknown

/** Counts the calls of built-in functions: `cost` is told what they work on, what they were given and what they returned. */
function countCalls(
  owner: object,
  names: readonly string[],
  cost: (self: unknown, parameters: readonly unknown[], result: unknown) => number,
): void {
  for (const name of names) {
    const native = Reflect.get(owner, name) as Method
    const counting = function (this: unknown, ...parameters: unknown[]): unknown {
      try {
        const result = Reflect.apply(native, this, parameters)
        if (counter.limit !== Infinity) count(1 + NATIVE * cost(this, parameters, result))
        return result
      } catch (error) {
        if (counter.limit !== Infinity && !(error instanceof TooManySteps)) count(EXCEPTION_STEPS)
        throw error
      }
    }
    Object.defineProperty(owner, name, { value: counting, writable: true, configurable: true })
  }
}

const lengthOf = (value: unknown) => (value as { length?: number } | undefined)?.length ?? 0
const selfLength = (self: unknown) => lengthOf(self)
const resultLength = (_self: unknown, _parameters: unknown, result: unknown) => lengthOf(result)
const inputLength = (_self: unknown, [input]: readonly unknown[]) => lengthOf(input)
/** As far as it had to look. */
const searched = (self: unknown, [, from = 0]: readonly unknown[], result: unknown) =>
  Math.max(0, (result === -1 ? lengthOf(self) : Number(result)) - Number(from))

const { exec } = RegExp.prototype as { exec: Method }
Object.defineProperty(RegExp.prototype, 'exec', {
  value(this: RegExp, text: unknown) {
    if (counter.limit !== Infinity) {
      const { limit } = counter
      // Not the counter's own matches.
      counter.limit = Infinity
      const steps = regexpSteps(this, String(text), limit / NATIVE)
      counter.limit = limit
      count(1 + NATIVE * steps)
    }
    return Reflect.apply(exec, this, [text])
  },
  writable: true,
  configurable: true,
})
countCalls(String.prototype, ['toLowerCase', 'toUpperCase', 'trim', 'trimStart', 'trimEnd', 'normalize'], selfLength)
countCalls(String.prototype, ['indexOf'], searched)
countCalls(String.prototype, ['lastIndexOf', 'replaceAll', 'split'], (self, [pattern]) =>
  typeof pattern === 'string' ? lengthOf(self) : 0,
)
countCalls(String.prototype, ['includes'], selfLength)
countCalls(String.prototype, ['startsWith', 'endsWith'], inputLength)
countCalls(Array.prototype, ['includes', 'indexOf'], selfLength)
countCalls(Array.prototype, ['join', 'slice', 'concat', 'flat', 'toReversed', 'splice'], resultLength)
countCalls(Object, ['keys', 'values', 'entries', 'assign'], resultLength)
countCalls(JSON, ['parse'], inputLength)
countCalls(JSON, ['stringify'], resultLength)
countCalls(Buffer, ['concat', 'from'], resultLength)
// Its type is `any`.
const bytes = Buffer.prototype as object
countCalls(bytes, ['toString'], resultLength)
countCalls(bytes, ['indexOf'], searched)
countCalls(TextDecoder.prototype, ['decode'], resultLength)
countCalls(globalThis, ['decodeURIComponent', 'encodeURIComponent', 'decodeURI'], inputLength)
