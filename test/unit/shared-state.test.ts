import { afterEach, expect, test, vi } from 'vitest'
import { ProxyError } from '../../src/errors.ts'
import { shared, SharedStateError, unattended } from '../../src/shared-state.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const mistake = new TypeError('a mistake')
const busy = new ProxyError('PROXY_UPSTREAM_BUSY')

class Counter {
  static {
    shared(this)
  }

  #count = 0

  get count(): number {
    return this.#count
  }

  add(...numbers: number[]): number {
    for (const number of numbers) this.#count += number
    return this.#count
  }

  fail(error: Error): never {
    throw error
  }

  async later(error?: Error): Promise<number> {
    await Promise.resolve()
    if (error) throw error
    return this.#count
  }
}

test('what the methods of shared state return passes, promises included', async () => {
  const counter = new Counter()
  expect([counter.add(1, 2), counter.count, await counter.later()]).toEqual([3, 3, 3])
})

test('what they throw or reject with is marked; errors of their contract are not, and nothing is marked twice', async () => {
  const counter = new Counter()
  const marked = new SharedStateError(mistake)
  expect(() => counter.fail(mistake)).toThrow(marked)
  expect(() => counter.fail(busy)).toThrow(busy)
  expect(() => counter.fail(marked)).toThrow(marked)
  await expect(counter.later(mistake)).rejects.toMatchObject({ name: 'SharedStateError', cause: mistake })
  await expect(counter.later(busy)).rejects.toBe(busy)
})

test('what is thrown in the name of no request reaches the process, past a library that would catch it', () => {
  const tasks: (() => void)[] = []
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => void tasks.push(task))
  unattended(() => undefined)
  expect(tasks).toEqual([])
  unattended(() => {
    throw mistake
  })
  expect(tasks).toHaveLength(1)
  expect(tasks[0]).toThrow(mistake)
})
