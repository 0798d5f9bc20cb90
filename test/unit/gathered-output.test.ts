import { afterEach, expect, test, vi } from 'vitest'
import { gatheredOutput, soon } from '../../src/cli/gathered-output.ts'

afterEach(() => {
  vi.useRealTimers()
})

function bench(most?: number) {
  const written: string[] = []
  const turns: (() => void)[] = []
  const output = gatheredOutput(
    (text) => written.push(text),
    (callback) => turns.push(callback),
    most,
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

test('where pieces are bounded, a line that would make one too long begins the next', () => {
  const { output, written, endTurn } = bench(10)
  for (const line of ['one\n', 'two\n', 'three\n', 'a very long line\n', 'five\n']) output.add(line)
  endTurn()
  expect(written).toEqual(['one\ntwo\n', 'three\n', 'a very long line\n', 'five\n'])
})

test('pieces are bounded in bytes, as pipes are, and not in characters', () => {
  const { output, written, endTurn } = bench(10)
  for (const line of ['\u00e4\u00f6\u00fc\n', '\u00e4\u00f6\n', 'one\n']) output.add(line)
  endTurn()
  expect(written).toEqual(['\u00e4\u00f6\u00fc\n', '\u00e4\u00f6\none\n'])
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
