import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { ConnectionPool } from '../../src/upstream/connection-pool.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** An origin that counts its connections and tells of their end. */
async function startOrigin(listener: RequestListener = (_, response) => response.end('ok')) {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, '127.0.0.1')
  server.on('connection', (socket: Socket) => {
    count += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return count
    },
    get open() {
      return sockets.size
    },
    endAll: () => {
      for (const socket of sockets) socket.end()
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function startPool({ connections = 2 } = {}) {
  const clock = new FakeClock()
  const pool = new ConnectionPool({ connections, connectionLifeMs: 1000, clock, client: { allowH2: false } })
  return Object.assign(pool, { clock, [Symbol.asyncDispose]: () => pool.destroy() })
}

interface Asked {
  readonly pool: ConnectionPool
  readonly origin: string
  readonly path?: string
  readonly onRequestStart?: (controller: Dispatcher.DispatchController) => void
}

/** Resolves to the body, or rejects with what the handler is told. */
function ask({ pool, origin, path = '/', onRequestStart = () => undefined }: Asked): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = ''
    pool.dispatch(
      { origin, path, method: 'GET' },
      {
        onRequestStart,
        onResponseStart: () => undefined,
        onResponseData: (_, chunk) => {
          body += String(chunk)
        },
        onResponseEnd: () => {
          resolve(body)
        },
        onResponseError: (_, error) => {
          reject(error)
        },
      },
    )
  })
}

/** An origin that keeps its answers until it is told. */
async function startPatient() {
  const waiting: ServerResponse[] = []
  const arrivals: (() => void)[] = []
  const origin = await startOrigin((_, response) => {
    waiting.push(response)
    for (const tell of arrivals.splice(0)) tell()
  })
  const arrived = async (count: number) => {
    while (waiting.length < count) await new Promise<void>((resolve) => arrivals.push(resolve))
  }
  return Object.assign(origin, { waiting, arrived })
}

describe('a pool of connections', () => {
  test('uses the one again that it used last', async () => {
    await using origin = await startOrigin()
    await using pool = startPool()
    for (let n = 0; n < 5; n++) {
      expect(await ask({ pool, origin: origin.url })).toBe('ok')
      // A connection is free when all is done that the end of its answer is told in.
      await new Promise(setImmediate)
    }
    expect(origin.connections).toBe(1)
    expect(pool.connected).toBe(1)
  })

  test('opens no more than it may: what is beyond waits its turn', async () => {
    await using origin = await startPatient()
    await using pool = startPool({ connections: 2 })
    const answers = Array.from({ length: 5 }, () => ask({ pool, origin: origin.url }))
    for (let n = 0; n < 5; n++) {
      await origin.arrived(n + 1)
      origin.waiting[n]?.end(String(n))
    }
    expect((await Promise.all(answers)).toSorted()).toEqual(['0', '1', '2', '3', '4'])
    expect(origin.connections).toBe(2)
  })

  test('asks no more on a connection that has been open for its time', async () => {
    await using origin = await startOrigin()
    await using pool = startPool()
    await ask({ pool, origin: origin.url })
    await pool.clock.advance(1000)
    await ask({ pool, origin: origin.url })
    expect(origin.connections).toBe(2)
    await expect.poll(() => origin.open).toBe(1)
    expect(pool.connected).toBe(1)
  })

  test('turns to another origin: who is free ends, who is busy ends after its answer', async () => {
    await using old = await startPatient()
    await using young = await startOrigin()
    await using pool = startPool({ connections: 3 })
    const [first, second] = [ask({ pool, origin: old.url }), ask({ pool, origin: old.url })]
    await old.arrived(2)
    old.waiting[0]?.end('first')
    expect(await first).toBe('first')
    expect(await ask({ pool, origin: young.url })).toBe('ok')
    await expect.poll(() => old.open).toBe(1)
    old.waiting[1]?.end('second')
    expect(await second).toBe('second')
    await expect.poll(() => old.open).toBe(0)
    expect(pool.connected).toBe(1)
  })

  test('what waits for a connection gets that which another origin gives up', async () => {
    await using old = await startPatient()
    await using young = await startOrigin()
    await using pool = startPool({ connections: 1 })
    const first = ask({ pool, origin: old.url })
    await old.arrived(1)
    const second = ask({ pool, origin: young.url })
    old.waiting[0]?.end('first')
    expect(await Promise.all([first, second])).toEqual(['first', 'ok'])
  })

  test('what says twice that it is free is free once: no request waits behind another on its connection', async () => {
    await using origin = await startPatient()
    await using pool = startPool({ connections: 2 })
    const used = vi.spyOn(Client.prototype, 'dispatch')
    const first = ask({ pool, origin: origin.url })
    await origin.arrived(1)
    origin.waiting[0]?.end()
    await first
    await new Promise(setImmediate)
    const client = used.mock.contexts[0] as Client
    used.mockRestore()
    // Its types know some of its events only.
    EventEmitter.prototype.emit.call(client, 'drain', new URL(origin.url), [client])

    const answers = [ask({ pool, origin: origin.url }), ask({ pool, origin: origin.url })]
    await origin.arrived(3)
    for (const response of origin.waiting) response.end()
    await Promise.all(answers)
    expect(origin.connections).toBe(2)
  })

  test('a request that cannot be written is told so, and takes no connection with it', async () => {
    await using origin = await startOrigin()
    await using pool = startPool({ connections: 1 })
    await expect(ask({ pool, origin: origin.url, path: 'no slash' })).rejects.toThrow('path must be')
    expect(await ask({ pool, origin: origin.url })).toBe('ok')
  })

  test('a request that is taken back as it begins takes no connection with it', async () => {
    await using origin = await startOrigin()
    await using pool = startPool({ connections: 1 })
    const taken = ask({
      pool,
      origin: origin.url,
      onRequestStart: (controller) => {
        controller.abort(new Error('taken back'))
      },
    })
    await expect(taken).rejects.toThrow('taken back')
    expect(await Promise.all([ask({ pool, origin: origin.url }), ask({ pool, origin: origin.url })])).toEqual([
      'ok',
      'ok',
    ])
  })

  test('goes on after its peer has closed what was free, and after nobody listened', async () => {
    await using origin = await startOrigin()
    await using pool = startPool({ connections: 1 })
    await ask({ pool, origin: origin.url })
    origin.endAll()
    await expect.poll(() => pool.connected).toBe(0)
    expect(await ask({ pool, origin: origin.url })).toBe('ok')
    await expect(ask({ pool, origin: 'http://127.0.0.1:1' })).rejects.toThrow('ECONNREFUSED')
    await expect(ask({ pool, origin: 'http://127.0.0.1:1' })).rejects.toThrow('ECONNREFUSED')
    expect(await ask({ pool, origin: origin.url })).toBe('ok')
  })

  test('destroyed, it breaks off what is under way and what waits, and takes nothing more', async () => {
    await using origin = await startPatient()
    await using pool = startPool({ connections: 1 })
    const [first, second] = [ask({ pool, origin: origin.url }), ask({ pool, origin: origin.url })]
    const failures = Promise.allSettled([first, second])
    await origin.arrived(1)
    await pool.destroy()
    expect(await failures).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
    await expect(ask({ pool, origin: origin.url })).rejects.toThrow('destroyed')
  })
})
