import { ProxyError } from './errors.ts'

/**
 * An exception out of state that all requests share: the token, the connections, the buffer budget. What is left of that state is unknown,
 * so the process drains and exits.
 */
export class SharedStateError extends Error {
  constructor(cause: unknown) {
    super('an exception in state that all requests share', { cause })
    this.name = 'SharedStateError'
  }
}

/**
 * Turns whatever the methods of a class throw, or reject with, into a SharedStateError; errors of its contract pass. Stands in a static block,
 * so that the class itself says that all requests share its instances.
 */
export function shared(
  { prototype }: { prototype: object },
  isContract: (error: unknown) => boolean = (error) => error instanceof ProxyError,
): void {
  const marked = (error: unknown) =>
    error instanceof SharedStateError || isContract(error) ? error : new SharedStateError(error)
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof value !== 'function') continue
    const method = value as (...parameters: unknown[]) => unknown // whatever it takes, it is called with
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...parameters: unknown[]): unknown {
        try {
          const result = method.apply(this, parameters)
          if (!(result instanceof Promise)) return result
          return result.catch((error: unknown) => {
            throw marked(error)
          })
        } catch (error) {
          throw marked(error)
        }
      },
    })
  }
}

/** Runs what a library calls in the name of no request: an exception reaches the process, whatever the library would make of it. */
export function unattended(work: () => void): void {
  try {
    work()
  } catch (error) {
    crash(error)
  }
}

/** Makes an exception one that nobody has caught, which ends the process after a drain. */
export function crash(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
