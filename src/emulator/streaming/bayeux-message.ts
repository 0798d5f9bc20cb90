/** A Bayeux message, in whichever direction. */
export type Message = Readonly<Record<string, unknown>>

/** What an answer repeats of its request. */
export function replyTo({ channel, id, clientId, subscription }: Message, isSuccessful: boolean): Message {
  const repeated = Object.entries({ clientId, subscription, id }).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(repeated), channel: channel ?? '/meta/handshake', successful: isSuccessful }
}

/** A refusal that leaves the client nothing to do: a handshake says why in `ext`. */
export function failed(message: Message, reason: string): Message {
  const reply = replyTo(message, false)
  const advice = { reconnect: 'none' }
  if (reply.channel !== '/meta/handshake') return { advice, ...reply, error: reason }
  const ext = { sfdc: { failureReason: reason }, replay: true }
  return { ext, advice, ...reply, error: '403::Handshake denied' }
}

/** The server knows no such client: it is to shake hands again. */
export function unknownClient(message: Message): Message {
  return { ...replyTo(message, false), error: '403::Unknown client', advice: { interval: 0, reconnect: 'handshake' } }
}
