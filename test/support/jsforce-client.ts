import { once, type EventEmitter } from 'node:events'
import { Connection } from 'jsforce'
import type { Emulator } from '../../src/emulator/emulator.ts'

/** jsforce with a session of the emulator's own, straight against it, as its users set it up for another server. */
export function jsforceOn(emulator: Emulator): Connection {
  const accessToken = emulator.org.sessions.open().token
  const connection = new Connection({ instanceUrl: emulator.url, loginUrl: emulator.url, accessToken, version: '62.0' })
  connection.bulk.pollInterval = connection.bulk2.pollInterval = 1
  return connection
}

/** faye's client, as far as jsforce's types leave it out. */
export interface StreamingClient {
  subscribe(channel: string, listener: (event: never) => void): PromiseLike<unknown> & { cancel(): void }
  disconnect(): PromiseLike<unknown>
}

/** A streaming client of jsforce's. It refuses cookies of another domain, as browsers do: see `cookieDomain`. */
export function streamingOn(connection: Connection, extensions: object[] = []): StreamingClient {
  const client: unknown = connection.streaming.createClient(extensions)
  return client as StreamingClient // faye's own class, of which jsforce declares `subscribe` alone
}

/** jsforce closes a Bulk job in its own time, after the results are there. */
export async function finished<T>(batch: {
  then(resolve: (t: T) => void, reject: (e: Error) => void): unknown
  job: EventEmitter
}) {
  const closed = once(batch.job, 'close')
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  batch.then(resolve, reject)
  const results = await promise
  await closed
  return results
}
