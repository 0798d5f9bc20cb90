import { within, type Clock } from '../clock.ts'
import type { Listener } from './listeners.ts'

/** Waits for the last answer, up to `timeoutMs`; then cuts what is left. Resolves to whether all were answered. */
export async function drain(
  listener: Listener,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<boolean> {
  const closed = listener.close().then(() => true)
  const drained = (await within(clock, timeoutMs, closed)) ?? false
  if (!drained) listener.cut()
  await closed
  return drained
}
