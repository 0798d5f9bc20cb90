import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { attacksOn, grown, isUnbounded } from '../support/steps/regexp-attacks.ts'
import { regexpSteps, TooManySteps } from '../support/steps/regexp-steps.ts'

const SRC = new URL('../../src/', import.meta.url)
const LENGTH = 256
const MOST_STEPS = 200_000
/** Four times the text may cost four times the steps; the rest is for what begins and ends a text. */
const MOST_GROWTH = 4.5

interface Found {
  readonly place: string
  readonly expression: RegExp
}

/** Every literal in src, and the files that make an expression of a text. */
function expressionsInSource(): { literals: Found[]; makers: string[] } {
  const literals: Found[] = []
  const makers = new Set<string>()
  for (const file of globSync('**/*.{ts,js}', { cwd: SRC }).toSorted()) {
    const source = ts.createSourceFile(file, readFileSync(new URL(file, SRC), 'utf8'), ts.ScriptTarget.Latest)
    const visit = (node: ts.Node) => {
      if (ts.isRegularExpressionLiteral(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
        literals.push({ place: `${file}:${line + 1}`, expression: fromLiteral(node.text) })
      }
      if (isMade(node)) makers.add(file)
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return { literals, makers: [...makers] }
}

function isMade(node: ts.Node): boolean {
  const made = ts.isNewExpression(node) || ts.isCallExpression(node) ? node.expression : undefined
  return made !== undefined && ts.isIdentifier(made) && made.text === 'RegExp'
}

function fromLiteral(text: string): RegExp {
  const end = text.lastIndexOf('/')
  return new RegExp(text.slice(1, end), text.slice(end + 1))
}

/** What these modules make of texts, with the built-in rules. */
async function expressionsMade(): Promise<Found[]> {
  const made: Found[] = []
  vi.stubGlobal(
    'RegExp',
    new Proxy(RegExp, {
      construct: (target, [pattern, flags]: [RegExp | string, string?]) => {
        const expression = new target(pattern, flags)
        made.push({ place: `made of ${String(pattern).slice(0, 40)}`, expression })
        return expression
      },
    }),
  )
  await import('../../src/redaction.ts')
  await import('../../src/inspector/credential-net.ts')
  await import('../../src/server/composite-references.ts')
  const { createPathPolicy } = await import('../../src/server/path-policy.ts')
  createPathPolicy({ allowedPaths: [], deniedPaths: [] })
  const { createRecordPolicy } = await import('../../src/server/record-policy.ts')
  createRecordPolicy([])
  return made
}

afterAll(() => {
  vi.unstubAllGlobals()
})

/** The steps of all matches in a text, as `replace` and `matchAll` look for them with the flag g. */
function stepsOf(expression: RegExp, text: string): number {
  let steps = 0
  expression.lastIndex = 0
  for (;;) {
    steps += regexpSteps(expression, text, MOST_STEPS)
    if (steps > MOST_STEPS) throw new TooManySteps(`more than ${MOST_STEPS} steps`)
    const found = expression.global ? expression.exec(text) : null
    if (found === null) return steps
    if (found[0] === '') expression.lastIndex++
  }
}

/** The first text that costs more than its length allows. */
function slowText(expression: RegExp): object | undefined {
  for (const attack of attacksOn(expression)) {
    const [short, long] = grown(attack, LENGTH)
    try {
      const few = stepsOf(expression, short)
      const many = stepsOf(expression, long)
      if (many > MOST_GROWTH * few && many > long.length) return { ...attack, few, many }
    } catch (error) {
      if (!(error instanceof TooManySteps)) throw error
      return { ...attack, error: error.message }
    }
  }
  return undefined
}

const { literals, makers } = expressionsInSource()

describe('a regular expression takes time in proportion to its text', () => {
  test.each(literals.filter(({ expression }) => isUnbounded(expression)))('$place $expression', ({ expression }) => {
    expect(slowText(expression)).toBeUndefined()
  })

  test('and so does each that is made of a text', async () => {
    const made = await expressionsMade()
    expect(made.length).toBeGreaterThan(8)
    expect(
      made.map(({ expression }) => ({ expression, slow: slowText(expression) })).filter(({ slow }) => slow),
    ).toEqual([])
  })

  test('none is made elsewhere', () => {
    expect(makers).toEqual([
      'inspector/credential-net.ts',
      'redaction.ts',
      'server/composite-references.ts',
      'server/record-names.ts',
    ])
  })
})

describe('the count finds', () => {
  test.each([
    ['dots at the end', /(?:\.(?:json|xml)?)+\/?$/],
    ['an opener that is never closed', /@\{([^}]*)\}/g],
    ['a private key without an end', /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs],
    ['two quantifiers that exchange characters', /^\/+soap\/+class\/+([\w/]*\w)$/i],
    ['nested quantifiers', /^(?:a+)+$/],
    ['an end that is looked for from every beginning', /(?<=.)\/+$/],
    ['what stands behind a prefix', / ?cloudaware-proxy\/\S+$/],
  ])('%s', (_what, expression) => {
    expect(slowText(expression)).toBeDefined()
  })

  test.each([
    [/abc/, 'ababc', 3 + 1 + 3],
    // Without the flag m it can begin at one place only.
    [/^abc/, 'ababc', 1 + 3],
    // Each of the three choices ends at a b that is not there.
    [/^a?a?b/, 'aa', 11],
    [/(?<!x)a/, 'xaa', 3 + 2 + 3],
  ])('in %s on %s each comparison and each choice', (expression, text, steps) => {
    expect(regexpSteps(expression, text, 1000)).toBe(steps)
  })
})
