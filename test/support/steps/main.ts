import { grown, type Attack } from './regexp-attacks.ts'
import { stepsOf } from './instrument.ts'
import { TooManySteps } from './regexp-steps.ts'
import type { Target } from './targets.ts'

// A process of its own, whose modules and built-in methods are counted: prints a line of JSON for each target.
const { TARGETS } = await import('./targets.ts')
const { QUADRATIC } = await import('./quadratic.ts')

/** The length of the shorter text: more than what is memoized. */
const LENGTH = 600
const MOST_STEPS = 1_000_000
/** Four times the text may cost four times the steps; the rest is for what begins and ends a text. */
const MOST_GROWTH = 4.5
/** What one text may cost, however long: about a tenth of a second. */
const MOST_WORK = 8_000_000
const PAIRS = 60
const MOST_FOUND = 3

/** Each token repeated behind each beginning and before each end, and some of the pairs of them. */
function* attacks({ tokens, beginnings = [''], ends = [''] }: Target): Generator<Attack> {
  for (const before of beginnings) {
    for (const after of ends) for (const pump of tokens) yield { before, pump, after }
  }
  for (let pair = 0; pair < PAIRS; pair++) {
    const pick = (list: readonly string[], step: number) => list[(pair * step) % list.length] ?? ''
    yield { before: pick(beginnings, 1), pump: pick(tokens, 1) + pick(tokens, 7), after: pick(ends, 5) }
  }
}

/** What a text costs too much, by its growth or by itself; undefined where it does not. */
async function excess(target: Target, attack: Attack): Promise<object | undefined> {
  const [short, long] = grown(attack, LENGTH)
  try {
    const few = await stepsOf(() => target.read(short), MOST_STEPS)
    const many = await stepsOf(() => target.read(long), MOST_STEPS)
    if (many > MOST_GROWTH * few && many > long.length) return { few, many }
    const perCharacter = (many - few) / (long.length - short.length)
    if (perCharacter * target.limit <= MOST_WORK) return undefined
    const [, longest] = grown(attack, target.limit / 4 - LENGTH / 4)
    await stepsOf(() => target.read(longest), MOST_WORK)
    return undefined
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error
    return { error: error.message }
  }
}

async function slowTexts(target: Target): Promise<object[]> {
  const slow: object[] = []
  for (const attack of attacks(target)) {
    const found = await excess(target, attack)
    if (found !== undefined) slow.push({ ...attack, ...found })
    if (slow.length === MOST_FOUND) break
  }
  return slow
}

// The count ends the work wherever it is, in a callback of a stream too.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof TooManySteps)) throw error
})

for (const [kind, targets] of Object.entries({ parser: TARGETS, quadratic: QUADRATIC })) {
  for (const target of targets) {
    process.stdout.write(`${JSON.stringify({ kind, name: target.name, slow: await slowTexts(target) })}\n`)
  }
}
