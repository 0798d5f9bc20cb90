import type { AdminServer } from './admin.ts'

export interface MadeLaterOptions {
  readonly make: () => Promise<AdminServer>
  /** When it is made though nobody has asked; never, where undefined. */
  readonly afterMs: number | undefined
}

/**
 * A server that is no part of a start: it is made a moment later, or when somebody asks sooner. Not left to the first who asks, since making
 * it holds up whoever uses the proxy meanwhile.
 */
export function madeLater({ make, afterMs }: MadeLaterOptions): AdminServer {
  let making: Promise<AdminServer> | undefined
  let made: AdminServer | undefined
  const ready = async () => (made = await (making ??= make()))
  const timer = afterMs === undefined ? undefined : setTimeout(() => void ready(), afterMs).unref()
  return {
    handle: (request, response) => {
      if (made !== undefined) made.handle(request, response)
      else
        void ready().then(({ handle }) => {
          handle(request, response)
        })
    },
    // Streams are open only once it is made.
    endStreams: () => made?.endStreams(),
    async close() {
      clearTimeout(timer)
      await (await making)?.close()
    },
  }
}
