import type { ServerResponse } from 'node:http'

/**
 * Interim answers: Node 26.2 writes any of them, older ones the two that exist in practice. Dropped while the client does not read, since
 * nothing else would bound what is buffered for it.
 */
export function writeInterim(response: ServerResponse, status: number, headers: readonly string[]): void {
  // No socket: the response to an earlier request of the connection is still being written.
  if (response.socket?.writableNeedDrain !== false) return
  // Absent before Node 26.2.
  const canWriteAny = (response.writeInformation as unknown) !== undefined
  if (canWriteAny) response.writeInformation(status, headers)
  else if (status === 102) response.writeProcessing()
  else if (status === 103) response.writeEarlyHints(hintsOf(headers))
}

function hintsOf(headers: readonly string[]): Record<string, string[]> {
  const hints: Record<string, string[]> = {}
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = String(headers[at]).toLowerCase()
    hints[name] = [...(hints[name] ?? []), String(headers[at + 1])]
  }
  return hints
}
