import { json, type Answer } from '../answer.ts'
import { header, isObject, type Call } from '../call.ts'
import type { Org } from '../org.ts'
import { failed, replyTo, unknownClient, type Message } from './bayeux-message.ts'
import { HOLD_MS, type StreamingClient } from './streaming-clients.ts'

/** Where events can be had: PushTopics, platform events, change events, generic channels. */
const CHANNEL = /^\/(?:topic|event|data|u)\/[\w/*]+$/

interface Reply {
  readonly messages: readonly Message[]
  readonly cookie?: string
}

/** Answers the messages of one request in their order; a connect holds it until there is an event. */
export async function bayeux(org: Org, call: Call, messages: readonly Message[], token: string): Promise<Answer> {
  const replies: Reply[] = []
  // A connect that comes with other messages is not held, or they would wait for their answers as long.
  const mayHold = messages.length === 1
  for (const message of messages) replies.push(await reply(org, call, { message, token, mayHold }))
  const cookies = replies.flatMap(({ cookie }) => cookie ?? [])
  return {
    ...json(
      200,
      replies.flatMap((one) => one.messages),
    ),
    cookies,
  }
}

interface Asked {
  readonly message: Message
  readonly token: string
  readonly mayHold: boolean
}

async function reply(org: Org, call: Call, { message, token, mayHold }: Asked): Promise<Reply> {
  if (message.channel === '/meta/handshake') return handshake(org, call, message, token)
  const client = org.streaming.find(message.clientId)
  const isKnown = client?.token === token && cookieOf(call) === client.cookie
  if (!isKnown) return { messages: [unknownClient(message)] }
  switch (message.channel) {
    case '/meta/connect':
      return { messages: await connect(org, message, client, mayHold) }
    case '/meta/subscribe':
      return { messages: [subscribe(org, message, client)] }
    case '/meta/unsubscribe':
      client.channels.delete(String(message.subscription))
      return { messages: [replyTo(message, true)] }
    case '/meta/disconnect':
      org.streaming.remove(client)
      return { messages: [replyTo(message, true)] }
    default:
      return { messages: [{ ...replyTo(message, false), error: `403:denied_by_not_allowed:create_denied` }] }
  }
}

function handshake({ streaming }: Org, call: Call, message: Message, token: string): Reply {
  const { supportedConnectionTypes } = message
  if (!Array.isArray(supportedConnectionTypes) || !supportedConnectionTypes.includes('long-polling')) {
    return { messages: [failed(message, '400::Only long-polling is supported')] }
  }
  const client = streaming.open(token)
  const secure = call.origin.startsWith('https:') ? '; Secure' : ''
  return {
    messages: [
      {
        ext: { replay: true, 'payload.format': true },
        minimumVersion: '1.0',
        version: '1.0',
        supportedConnectionTypes: ['long-polling'],
        ...replyTo({ ...message, clientId: client.id }, true),
      },
    ],
    cookie: `BAYEUX_BROWSER=${client.cookie}; Path=/${secure}; HttpOnly`,
  }
}

const cookieOf = (call: Call) => /(?:^|;\s*)BAYEUX_BROWSER=([^;\s]+)/.exec(header(call, 'cookie') ?? '')?.[1]

/** The first connect is answered at once, and each that asks for it (`advice.timeout` 0). One whose session dies meanwhile is told so. */
async function connect(org: Org, message: Message, client: StreamingClient, mayHold: boolean): Promise<Message[]> {
  const isHurried = isObject(message.advice) && message.advice.timeout === 0
  const events = await org.streaming.events(client, mayHold && !isHurried)
  if (org.state.sessions.find(client.token) === undefined) return [failed(message, '401::Authentication invalid')]
  const advice = { interval: 0, timeout: HOLD_MS, reconnect: 'retry' }
  return [...events.map(({ channel, data }) => ({ data, channel })), { ...replyTo(message, true), advice }]
}

function subscribe({ streaming }: Org, message: Message, client: StreamingClient): Message {
  const { subscription, ext } = message
  if (typeof subscription !== 'string' || !CHANNEL.test(subscription)) {
    const error = `400::The channel you requested to subscribe to does not exist {${String(subscription)}}`
    return { ...replyTo(message, false), error }
  }
  const replay = isObject(ext) && isObject(ext.replay) ? ext.replay[subscription] : undefined
  streaming.subscribe(client, subscription, typeof replay === 'number' ? replay : -1)
  return replyTo(message, true)
}
