import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { API_KEY } from './contestants.ts'
import { pathOf } from './load.ts'

/** Resolves when the proxy at this port has answered a request with 200; asks every 2 ms from the first moment. */
export async function firstAnswer(port: number): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline) {
    if ((await statusOf(port)) === 200) return
    await sleep(2)
  }
  throw new Error(`the proxy on port ${port} does not answer`)
}

/** Undefined where there was no whole answer, for whatever reason: the request's `close` comes in any case. */
function statusOf(port: number): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const options = { port, host: '127.0.0.1', path: pathOf(0), headers: { 'x-api-key': API_KEY }, agent: false }
  const request = get({ ...options, signal: AbortSignal.timeout(5000) }, (response) => {
    response.resume().once('end', () => {
      resolve(response.statusCode)
    })
  })
  request
    .on('error', () => undefined)
    .once('close', () => {
      resolve(undefined)
    })
  return promise
}
