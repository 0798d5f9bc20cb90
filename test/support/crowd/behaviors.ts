import type { KindName } from './asks.ts'
import type { Client, Fate } from './history.ts'

/** Nothing that would keep a client from its answers. */
export const CALM: Omit<Client, 'asks'> = {
  listener: 'plain',
  key: 'right',
  isChunked: false,
  expects: false,
  lengthIsOffBy: 0,
  sends: 1,
  pieces: 1,
  then: 'waits',
  leavesAfter: undefined,
}

const ask = (kind: KindName, fate = 'ok', padding = 200) => {
  const what: Fate = { name: fate, amount: 0 }
  return { kind, fate: what, padding, size: 100 }
}
const upload = (more: Partial<Client>): Client => ({ ...CALM, asks: [ask('REST create')], ...more })

/** How clients behave, by the name that docs/faults.md gives it; none of them can do better than this. */
export const BEHAVIORS: Readonly<Record<string, Client>> = {
  'sends a whole request and waits': upload({}),
  'sends it byte by byte': upload({ pieces: 1_000 }),
  'sends it in chunks': upload({ isChunked: true, pieces: 20 }),
  'closes its sending side behind a whole request': upload({ then: 'finishes' }),
  'closes its sending side within the head': upload({ sends: 0.1, then: 'finishes' }),
  'closes its sending side within the body': upload({ sends: 0.7, then: 'finishes' }),
  'connects and closes': upload({ sends: 0, then: 'closes' }),
  'closes within the body': upload({ sends: 0.7, then: 'closes' }),
  'resets within the body': upload({ sends: 0.7, then: 'resets' }),
  'resets behind a whole request that is never answered': upload({
    asks: [ask('REST create', 'stall')],
    then: 'resets',
  }),
  'never reads': upload({ asks: [{ ...ask('REST read'), size: 1_000_000 }], then: 'stops reading' }),
  'declares a byte more than it sends, and closes its sending side': upload({ lengthIsOffBy: 1, then: 'finishes' }),
  'declares ten bytes fewer than it sends': upload({ lengthIsOffBy: -10 }),
  'sends four requests without waiting': upload({
    asks: [ask('REST read', 'slow'), ask('REST create'), ask('SOAP'), ask('REST delete')],
  }),
  'sends a request behind one that is never answered, and closes': upload({
    asks: [ask('REST read', 'stall'), ask('REST create')],
    then: 'closes',
  }),
  'expects 100-continue, and sends the body all the same': upload({ expects: true }),
  'expects 100-continue behind a request that is still being answered': upload({
    asks: [{ ...ask('REST read', 'slow'), size: 1_000_000 }, ask('REST create', 'early')],
    expects: true,
  }),
  'reads on in a query whose session has ended': upload({ asks: [ask('query page', 'refuse')] }),
  'asks an Apex class that relays a refusal': upload({ asks: [ask('Apex REST', 'refuse')] }),
  'asks as its session ends': upload({ asks: [ask('REST create', 'kill')] }),
  'uploads more than is held for a repeat as its session ends': upload({
    asks: [ask('Bulk 2.0 upload', 'kill', 900_000)],
  }),
  'logs in': upload({ asks: [ask('OAuth login')] }),
  'asks for a page of the UI': upload({ asks: [ask('page of the UI')] }),
  'has a wrong key': upload({ key: 'wrong' }),
}
