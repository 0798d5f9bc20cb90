import { afterEach, expect, test, vi } from 'vitest'
import { gatheredOutput, soon } from '../../src/cli/gathered-output.ts'

afterEach(() => {
  vi.useRealTimers()
})

function bench() {
  const written: string[] = []
  const turns: (() => void)[] = []
  const output = gatheredOutput(
    (text) => written.push(text),
    (callback) => turns.push(callback),
  )
  const endTurn = () => {
    for (const callback of turns.splice(0)) callback()
  }
  return { output, written, endTurn }
}

test('the lines of one turn of the event loop are written in one piece, in order', () => {
  const { output, written, endTurn } = bench()
  output.add('one\n')
  output.add('two\n')
  expect(written).toEqual([])
  endTurn()
  output.add('three\n')
  endTurn()
  expect(written).toEqual(['one\ntwo\n', 'three\n'])
})

test('what waits is written at once when somebody cannot wait, and not again', () => {
  const { output, written, endTurn } = bench()
  output.add('last words\n')
  output.flush()
  expect(written).toEqual(['last words\n'])
  endTurn()
  expect(written).toEqual(['last words\n'])
})

test('the first piece goes at the end of its turn, and those of a crowd a few milliseconds apart', () => {
  vi.useFakeTimers()
  const written: string[] = []
  const output = gatheredOutput((text) => written.push(text), soon())
  output.add('first\n')
  vi.advanceTimersByTime(0)
  expect(written).toEqual(['first\n'])
  output.add('second\n')
  vi.advanceTimersByTime(1)
  output.add('third\n')
  expect(written).toHaveLength(1)
  vi.advanceTimersByTime(4)
  expect(written).toEqual(['first\n', 'second\nthird\n'])
  vi.advanceTimersByTime(10)
  output.add('fourth\n')
  vi.advanceTimersByTime(0)
  expect(written).toHaveLength(3)
})
