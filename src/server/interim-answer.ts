import type { ServerResponse } from 'node:http'

/**
 * Passes on an interim response. Clients may ignore all of them (RFC 9110 §15.2), so one is dropped where the client speaks HTTP/1.0, where it
 * does not read (nothing else would bound what is buffered for it), and where Node refuses to write it.
 */
export function writeInterim(response: ServerResponse, status: number, headers: readonly string[]): void {
  // No socket: the response to an earlier request of the connection is still being written.
  if (response.socket?.writableNeedDrain !== false || response.req.httpVersion === '1.0') return
  try {
    write(response, status, headers)
  } catch {
    // What undici's handler throws would fail the request.
  }
}

/** Node 26.2 writes any of them, older ones the two that exist in practice. */
function write(response: ServerResponse, status: number, headers: readonly string[]): void {
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
