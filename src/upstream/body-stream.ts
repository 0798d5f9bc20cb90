import { Readable } from 'node:stream'

/**
 * The streams of request bodies. Each passes from hand to hand: from the caller's socket to the policy that judges it, to the exchange, to
 * undici. Between two of them, and after the last one, nobody listens for errors, and an 'error' event without a listener ends the process.
 * So each is owned from its first moment: a failure stays with the stream, where its next reader finds it. Others make none (eslint.config.js).
 */
export function owned<S extends NodeJS.EventEmitter>(stream: S): S {
  return stream.on('error', ignore)
}

/** A body made of these pieces. A failure of theirs is its reader's. */
export function bodyOf(pieces: AsyncIterable<Buffer> | readonly Buffer[]): Readable {
  return owned(Readable.from(pieces, { objectMode: false }))
}

/** A body that its maker pushes. `read`: the reader wants more; `onDestroy`: it wants no more, or has all. */
export function pushedBody(read: () => void, onDestroy: () => void = ignore): Readable {
  return owned(
    new Readable({
      read,
      destroy(error, done) {
        onDestroy()
        done(error)
      },
    }),
  )
}

const ignore = () => undefined
