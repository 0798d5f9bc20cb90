import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { loadSettings, servingSettings } from '../../src/config.ts'
import { Tally } from '../../src/metrics/tally.ts'
import { Fleet, type FleetOptions } from '../../src/workers/fleet.ts'
import { restartDelayMs } from '../../src/workers/restart-delay.ts'
import { TokenDesk } from '../../src/workers/token-desk.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeWorkers, REPORT, type FakeWorker } from '../support/fake-workers.ts'
import { MINUTE, SECOND } from '../support/keeper-bench.ts'

const SETTINGS = servingSettings(
  loadSettings({
    cwd: '.',
    env: {
      CLOUDAWARE_URL: 'http://127.0.0.1:1',
      CLOUDAWARE_CLIENT_ID: 'test-client-id',
      CLOUDAWARE_CLIENT_SECRET: 'test-client-secret',
    },
    readFile: () => '',
  }),
)

/** Two fake workers, and what the log says of them. */
function fleetOf(options: Partial<FleetOptions> = {}) {
  const workers = new FakeWorkers()
  const clock = new FakeClock()
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { base: null, level: 'trace' },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const tally = new Tally({ now: () => clock.now() })
  const fleet = new Fleet({
    size: 2,
    clock,
    logger,
    version: '1',
    start: workers.start,
    desk: new TokenDesk({
      get: () => Promise.reject(new Error('nobody asks')),
      retire: () => undefined,
      standing: () => undefined,
    }),
    tally,
    ports: { plain: 0, secure: undefined },
    socketPath: undefined,
    drainTimeoutMs: 30 * SECOND,
    greeting: ({ ports }) => ({
      settings: { ...SETTINGS, PROXY_PORT: ports.plain },
      secrets: [],
      logLevel: 'info',
    }),
    ...options,
  })
  return { fleet, workers, clock, lines, tally, [Symbol.asyncDispose]: () => fleet.close() }
}

function workerOf({ all }: FakeWorkers, number: number): FakeWorker {
  const worker = all[number - 1]
  if (!worker) throw new Error(`there is no worker ${number}`)
  return worker
}

describe('at the start', () => {
  test('it is open once all workers listen', async () => {
    await using run = fleetOf()
    expect(await run.fleet.open()).toEqual({ plain: 4711, secure: undefined })
    expect(run.fleet.status.map(({ state, restarts }) => [state, restarts])).toEqual([
      ['serving', 0],
      ['serving', 0],
    ])
  })

  test('what keeps a worker from listening is told as the system told it, and nobody is started again', async () => {
    await using run = fleetOf()
    run.workers.each = (worker) => {
      worker.answering = ({ type }) => {
        if (type !== 'start') return
        worker.say({ type: 'failed', message: 'listen EADDRINUSE', code: 'EADDRINUSE', port: 80 })
        worker.end(1)
      }
      worker.say({ type: 'hello', version: '1' })
    }
    await expect(run.fleet.open()).rejects.toMatchObject({ code: 'EADDRINUSE', port: 80 })
    await run.fleet.close()
    await run.clock.advance(MINUTE)
    expect(run.workers.all).toHaveLength(2)
    expect(run.lines).toEqual([])
  })

  test('a worker that ends before it listens is told of', async () => {
    await using run = fleetOf()
    run.workers.each = (worker) => {
      worker.end(13)
    }
    await expect(run.fleet.open()).rejects.toThrow('a worker ended before it listened (exit code 13)')
  })

  test('one that never listens is not waited for', async () => {
    await using run = fleetOf()
    run.workers.each = () => undefined
    const opening = expect(run.fleet.open()).rejects.toThrow('a worker ended before it listened (SIGKILL)')
    await run.clock.advance(30 * SECOND)
    await opening
  })

  test('a fleet of nobody is a mistake', async () => {
    await using run = fleetOf({ size: 0 })
    await expect(run.fleet.open()).rejects.toThrow(RangeError)
  })
})

describe('a worker that ends', () => {
  test('is started again after pauses that grow, on the port that callers know, and the log tells how it ended', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    workerOf(run.workers, 1).end(null, 'SIGSEGV')
    await run.clock.advance(0)
    expect(run.lines).toMatchObject([{ level: 50, worker: 1, pid: 1, code: null, signal: 'SIGSEGV', restartInMs: 200 }])
    expect(run.fleet.status.map(({ state }) => state)).toEqual(['ended', 'serving'])
    await run.clock.advance(199)
    expect(run.workers.all).toHaveLength(2)
    await run.clock.advance(1)
    expect(run.workers.all).toHaveLength(3)
    await run.clock.advance(0)
    // As long as another worker holds the port open, that one is joined.
    expect(workerOf(run.workers, 3).heard('start')).toMatchObject([{ number: 1, settings: { PROXY_PORT: 0 } }])
    expect(run.fleet.status[0]).toMatchObject({ number: 1, pid: 3, state: 'serving', restarts: 1 })
    workerOf(run.workers, 3).end(1)
    await run.clock.advance(0)
    expect(run.lines.at(-1)).toMatchObject({ pid: 3, code: 1, restartInMs: 400 })
  })

  test('begins a new row of pauses where it had served for a while', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    await run.clock.advance(61 * SECOND)
    workerOf(run.workers, 2).end(1)
    await run.clock.advance(200)
    await run.clock.advance(61 * SECOND)
    workerOf(run.workers, 3).end(1)
    await run.clock.advance(0)
    expect(run.lines.filter(({ level }) => level === 50).map(({ restartInMs }) => restartInMs)).toEqual([200, 200])
  })

  test('the pauses are bounded', () => {
    expect([1, 2, 3, 8, 9, 100].map(restartDelayMs)).toEqual([200, 400, 800, 25_600, 30_000, 30_000])
  })

  test('where all have ended, the next ones open the very port that callers know', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    workerOf(run.workers, 1).end(1)
    workerOf(run.workers, 2).end(1)
    await run.clock.advance(0)
    expect(run.fleet.status.map(({ state }) => state)).toEqual(['ended', 'ended'])
    await run.clock.advance(200)
    expect(workerOf(run.workers, 3).heard('start')).toMatchObject([{ settings: { PROXY_PORT: 4711 } }])
  })

  test('one that listens elsewhere is of no use', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    run.workers.each = (worker) => {
      worker.answering = (message) => {
        if (message.type === 'start') worker.say({ type: 'listening', plain: 4712 })
        else worker.answer(message)
      }
      worker.say({ type: 'hello', version: '1' })
    }
    workerOf(run.workers, 1).end(1)
    await run.clock.advance(200)
    expect(workerOf(run.workers, 3).isKilled).toBe(true)
    expect(run.lines.at(-1)).toMatchObject({ problem: 'it listens on another port' })
  })

  test('one that hangs for a minute is replaced; one that is late is not', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    const [one, two] = [workerOf(run.workers, 1), workerOf(run.workers, 2)]
    one.answering = () => undefined
    await run.clock.advance(50 * SECOND)
    expect([one.isKilled, two.isKilled]).toEqual([false, false])
    await run.clock.advance(30 * SECOND)
    expect([one.isKilled, two.isKilled]).toEqual([true, false])
    expect(run.lines).toMatchObject([{ problem: 'it has not answered for a minute' }, { msg: 'a worker serves again' }])
  })

  test.each([
    [
      'of another version',
      { type: 'hello', version: '2' },
      'the program on the disk is version 2 now: restart the proxy',
    ],
    [
      'that speaks otherwise',
      { type: 'hallo' },
      'it speaks otherwise than this program: is another version installed? Restart the proxy',
    ],
  ])('one %s is refused, and the log says why', async (_, greeting, problem) => {
    await using run = fleetOf()
    await run.fleet.open()
    run.workers.each = (worker) => {
      worker.say(greeting)
    }
    workerOf(run.workers, 1).end(1)
    await run.clock.advance(200)
    expect(run.lines.at(-1)).toMatchObject({ worker: 1, problem, restartInMs: 400 })
    expect(workerOf(run.workers, 3).told).toEqual([])
  })
})

describe('while it serves', () => {
  test('what all were told, one that comes later is told too', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    run.fleet.setLogLevel('debug')
    run.fleet.renew({ cert: 'c', key: 'k' })
    expect(workerOf(run.workers, 2).told.slice(1)).toEqual([
      { type: 'log-level', level: 'debug' },
      { type: 'identity', identity: { cert: 'c', key: 'k' } },
    ])
    workerOf(run.workers, 1).end(1)
    await run.clock.advance(200)
    expect(workerOf(run.workers, 3).heard('start')).toMatchObject([{ logLevel: 'debug' }])
  })

  test('counts add up, gauges are those of the living, and what a dead worker had counted stays', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    const telling = (active: number, count: number) => (worker: FakeWorker) => {
      worker.answering = (message) => {
        if (message.type !== 'report-please') {
          worker.answer(message)
          return
        }
        const tally = { ...REPORT.tally, inFlight: active, sent: [[count, ['rest']]] }
        worker.say({
          type: 'report',
          report: { ...REPORT, load: { ...REPORT.load, active, waiting: 1, connected: active, heldBytes: 5 }, tally },
        })
      }
    }
    telling(3, 100)(workerOf(run.workers, 1))
    telling(4, 50)(workerOf(run.workers, 2))
    await run.fleet.pulse.take()
    expect(run.fleet.load).toEqual({ active: 7, waiting: 2, connected: 7, heldBytes: 10, heldBytesLimit: 20 })
    expect(run.tally.inFlight).toBe(7)
    workerOf(run.workers, 1).end(1)
    await run.clock.advance(0)
    expect([...run.tally.sent.rows()]).toEqual([{ labels: { family: 'rest' }, value: 150 }])
    expect(run.fleet.load).toEqual({ active: 4, waiting: 1, connected: 4, heldBytes: 5, heldBytesLimit: 10 })
    expect(run.tally.inFlight).toBe(4)
  })

  test('nobody waits long for a worker that does not answer', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    workerOf(run.workers, 1).answering = () => undefined
    const update = run.fleet.pulse.take()
    await run.clock.advance(SECOND)
    await update
    // For whoever looks all the time.
    run.fleet.pulse.freshen()
    run.fleet.pulse.freshen()
    expect(workerOf(run.workers, 2).heard('report-please')).toHaveLength(2)
    await run.clock.advance(SECOND)
    run.fleet.pulse.freshen()
    expect(workerOf(run.workers, 2).heard('report-please')).toHaveLength(3)
    workerOf(run.workers, 1).answering = (message) => {
      workerOf(run.workers, 1).answer(message)
    }
  })
})

describe('at the end', () => {
  test('all drain, and the end is whole where each of them is', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    expect(await run.fleet.drain()).toBe(true)
    await run.fleet.close()
    expect(run.workers.all.map(({ told }) => told.slice(-2).map(({ type }) => type))).toEqual([
      ['drain', 'end'],
      ['drain', 'end'],
    ])
    expect(run.lines).toEqual([])
  })

  test.each([
    [
      'cuts requests short',
      (worker: FakeWorker) => {
        worker.say({ type: 'drained', isWhole: false, report: REPORT })
      },
    ],
    [
      'dies',
      (worker: FakeWorker) => {
        worker.end(null, 'SIGKILL')
      },
    ],
  ])('it is not whole where one %s', async (_, happens) => {
    await using run = fleetOf()
    await run.fleet.open()
    const two = workerOf(run.workers, 2)
    two.answering = (message) => {
      if (message.type === 'drain') happens(two)
      else two.answer(message)
    }
    expect(await run.fleet.drain()).toBe(false)
  })

  test('nor where one takes too long; that one is ended', async () => {
    const run = fleetOf()
    await run.fleet.open()
    const two = workerOf(run.workers, 2)
    two.answering = () => undefined
    const draining = run.fleet.drain()
    await run.clock.advance(32 * SECOND)
    expect(await draining).toBe(false)
    const closing = run.fleet.close()
    await run.clock.advance(2 * SECOND)
    await closing
    expect(two.isKilled).toBe(true)
  })

  test('one that is only starting is not waited for, and one that waits for its start never comes', async () => {
    await using run = fleetOf()
    await run.fleet.open()
    run.workers.each = () => undefined
    workerOf(run.workers, 1).end(1)
    await run.clock.advance(200)
    workerOf(run.workers, 2).end(1)
    await run.clock.advance(0)
    expect(await run.fleet.drain()).toBe(true)
    await run.clock.advance(MINUTE)
    expect(run.workers.all).toHaveLength(3)
    expect(workerOf(run.workers, 3).isKilled).toBe(true)
  })
})
