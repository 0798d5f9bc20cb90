import { request as httpRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { Update } from '../../src/inspector/wire.ts'

export interface Events extends AsyncDisposable {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** All exchanges, marks and so on told so far; the rest as last told. */
  readonly latest: () => Update | undefined
  /** Resolves with the latest state once it is as wanted. */
  until(isEnough: (state: Update) => boolean): Promise<Update>
  /** Resolves when the other side has ended the stream; with all of its text. */
  readonly ended: Promise<string>
}

/** Reads the admin listener's event stream as the page does. */
export async function openEvents(port: number, headers: Record<string, string> = {}): Promise<Events> {
  const request = httpRequest({ host: '127.0.0.1', port, path: '/events', agent: false, headers }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage] // as the event is documented
  let text = ''
  let read = 0
  let state: Update | undefined
  let news = Promise.withResolvers<undefined>()
  const ended = Promise.withResolvers<string>()
  response.on('error', () => undefined)
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    for (let end = text.indexOf('\n\n', read); end !== -1; end = text.indexOf('\n\n', read)) {
      const event = text.slice(read, end)
      read = end + 2
      if (!event.startsWith('data: ')) continue
      const update = JSON.parse(event.slice('data: '.length)) as Update // what the server says it sends
      state = joined(state, update)
    }
    news.resolve(undefined)
    news = Promise.withResolvers()
  })
  response.once('close', () => {
    ended.resolve(text)
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    latest: () => state,
    async until(isEnough) {
      for (;;) {
        if (state && isEnough(state)) return state
        await news.promise
      }
    },
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      request.destroy()
      await ended.promise
    },
  }
}

function joined(state: Update | undefined, update: Update): Update {
  if (!state || update.isWhole) return update
  return {
    ...update,
    seconds: [...state.seconds, ...update.seconds],
    marks: [...state.marks, ...update.marks],
    exchanges: update.exchanges && [...(state.exchanges ?? []), ...update.exchanges],
  }
}
