import { expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../support/keeper-bench.ts'
import { SimulatedOrg, type Action } from '../support/simulated-org.ts'

const DAY = 24 * HOUR
const WEEK = 7 * DAY
const DAYS = [0, 1, 2, 3, 4, 5, 6]
const TEN_A_SECOND = 100
const WAIT_MS = 10 * SECOND

interface Trouble {
  /** While it lasts the org gives the proxy no token, milliseconds since the start. */
  readonly from: number
  readonly to: number
  /** The pause between two attempts that it may have led to. */
  readonly longestPauseMs: number
}

/** From two o'clock for ten minutes every night, in each way that there is. */
const OUTAGES: readonly Trouble[] = DAYS.map((day) => ({
  from: day * DAY + 2 * HOUR,
  to: day * DAY + 2 * HOUR + 10 * MINUTE,
  longestPauseMs: MINUTE,
}))
const FAILURES = ['html-503', 'hang', 'server-error', 'empty-body'] as const

/** Three rotations: the operator is an hour late, an hour early, and does it in the middle of an outage. */
const LATE: Trouble = { from: DAY + 9 * HOUR, to: DAY + 10 * HOUR, longestPauseMs: 0 }
const EARLY: Trouble = { from: 3 * DAY + 9 * HOUR, to: 3 * DAY + 10 * HOUR, longestPauseMs: 15 * MINUTE }
const TROUBLES: readonly Trouble[] = [...OUTAGES, LATE, EARLY]

const WHAT_HAPPENS: readonly Action[] = [
  ...OUTAGES.flatMap(({ from, to }, day): Action[] => [
    {
      at: from,
      do: (simulated) => {
        simulated.outage(FAILURES[day % FAILURES.length])
      },
    },
    {
      at: to,
      do: (simulated) => {
        simulated.outage()
      },
    },
  ]),
  {
    at: LATE.from,
    do: ({ org }) => {
      org.rotateSecret('second')
    },
  },
  {
    at: LATE.to,
    do: (simulated) => {
      simulated.giveSecret('second')
    },
  },
  {
    at: EARLY.from,
    do: (simulated) => {
      simulated.giveSecret('third')
    },
  },
  {
    at: EARLY.to,
    do: ({ org }) => {
      org.rotateSecret('third')
    },
  },
  {
    at: 5 * DAY + 2 * HOUR + 5 * MINUTE,
    do(simulated) {
      simulated.org.rotateSecret('fourth')
      simulated.giveSecret('fourth')
    },
  },
]

/** Ends the org's sessions every day at this time, as a logout of another tool does. */
function logouts(timeOfDay: number): Action[] {
  return DAYS.map((day) => ({
    at: day * DAY + timeOfDay,
    do: ({ org }) => {
      org.killSessions()
    },
  }))
}

/** Lehmer's generator: the same week each time. */
function dice(): () => number {
  let state = 1
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647
}

async function week(intervalMs: number, actions: readonly Action[]) {
  await using simulated = new SimulatedOrg(dice())
  await simulated.run(intervalMs, WEEK, actions)
  const { served, failedAt, org, events } = simulated
  // No proxy could have served a call that begins in a trouble which outlasts the longest wait.
  const isHopeless = (at: number) => TROUBLES.some(({ from, to }) => at >= from && at + WAIT_MS < to)
  return { served, failedAt, tooLate: failedAt.filter((at) => !isHopeless(at)), perDay: org.tokenRequests / 7, events }
}

/** Whether the call came between the end of a trouble and the attempt that noticed it. */
function isBeforeTheNextAttempt(at: number): boolean {
  return TROUBLES.some(({ to, longestPauseMs }) => at + WAIT_MS >= to && at < to + longestPauseMs)
}

test('a week at ten requests a second, with outages every night and three rotations, fails no call', async () => {
  const { served, failedAt, perDay, events } = await week(TEN_A_SECOND, WHAT_HAPPENS)
  expect(failedAt).toEqual([])
  expect(served).toBe(6_048_000)
  // Four an hour, since the token stays the same; a few more in the outages.
  expect(perDay).toBeGreaterThan(96)
  expect(perDay).toBeLessThan(105)
  // It was a hard week.
  const failures = new Set(events.flatMap((event) => (event.type === 'failed' ? [event.error] : [])))
  expect([...failures]).toEqual(expect.arrayContaining(['html_answer', 'timeout', 'invalid_client']))
})

test('the same week with a logout by another tool every noon fails no call either', async () => {
  const { served, failedAt, perDay, events } = await week(TEN_A_SECOND, [...WHAT_HAPPENS, ...logouts(12 * HOUR)])
  expect(failedAt).toEqual([])
  expect(served).toBe(6_048_000)
  expect(perDay).toBeLessThan(115)
  expect(events.filter(({ type }) => type === 'refused')).toHaveLength(7)
})

test('with the logout in the middle of the outage, calls fail until the first attempt after it, a minute later at most', async () => {
  const { failedAt, tooLate, perDay } = await week(TEN_A_SECOND, [...WHAT_HAPPENS, ...logouts(2 * HOUR + 8 * MINUTE)])
  // Two minutes of every night, less the wait.
  expect(failedAt.length - tooLate.length).toBe(7 * 110 * 10)
  expect(tooLate.filter((at) => !isBeforeTheNextAttempt(at))).toEqual([])
  expect(perDay).toBeLessThan(115)
})

test('callers so rare that their session has died each time are served, save in a trouble', async () => {
  const { served, failedAt, tooLate, perDay } = await week(20 * MINUTE, WHAT_HAPPENS)
  expect(served + failedAt.length).toBe(504)
  expect(failedAt.length).toBeLessThan(12)
  expect(tooLate.filter((at) => !isBeforeTheNextAttempt(at))).toEqual([])
  expect(perDay).toBeLessThan(200)
})
