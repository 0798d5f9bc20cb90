import { Client } from 'undici'
import { TokenState } from '../../src/token/token-state.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

/*
 * Loaded into the program by --import: from SIGWINCH on, state that all requests share throws from within. The standard output tells.
 */

const break_ = (): never => {
  throw new TypeError('a mistake')
}

const BREAKS: Readonly<Record<string, () => void>> = {
  'buffer budget': () => (BodyMemory.prototype.take = break_),
  token: () => (TokenState.prototype.retired = break_),
  connections: () => (Client.prototype.dispatch = break_),
  /** No state at all: what nobody caught. */
  nothing: break_,
}

process.on('SIGWINCH', () => {
  BREAKS[process.env.TEST_BREAK ?? '']?.()
  process.stdout.write('it is broken\n')
})
