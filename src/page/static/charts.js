import uPlot from './uplot.js'
import { byId, el, fill } from './dom.js'
import { stepsOf, windowOf } from './traffic-steps.js'
import { counted, milliseconds, timeOfDay, whole } from './format.js'

/** @import { State } from './feed.js' */

const places = { traffic: byId('traffic'), latency: byId('latency') }

/** @type {{ traffic: uPlot, latency: uPlot } | undefined} */
let charts

/** @type {State | undefined} */
let latest

/** Draws them anew, in the colours of now. */
export function resetCharts() {
  charts?.traffic.destroy()
  charts?.latency.destroy()
  charts = undefined
  if (latest) showTraffic(latest)
}

new ResizeObserver(() => {
  charts?.traffic.setSize(sizeOf(places.traffic))
  charts?.latency.setSize(sizeOf(places.latency))
}).observe(places.traffic)

/**
 * How many, how many failed, and how long they took: here and upstream.
 * @param {State} state
 */
export function showTraffic(state) {
  latest = state
  const shown = windowOf(state)
  const steps = stepsOf(state, shown)
  const before = steps.at(-2)
  if (!before) return
  const since = state.latest.now / 1000 - shown.span
  const recently = state.seconds.filter(({ at }) => at > since)
  const total = recently.reduce((sum, second) => sum + second.requests, 0)
  const failed = recently.reduce((sum, second) => sum + second.failed, 0)
  fill(
    byId('traffic-facts'),
    el('span', { class: 'swatch' }),
    el('b', {}, rate(before.rate)),
    '/s now · ',
    el('b', {}, whole(total)),
    ` in ${shown.words} · `,
    el('span', { class: 'swatch bad' }),
    failed === 0 ? 'none failed' : el('b', {}, counted(failed, 'failed', 'failed')),
  )
  const recent = steps.toReversed().find(({ own }) => own !== null)
  fill(
    byId('latency-facts'),
    el('span', { class: 'swatch' }),
    'Cloudaware ',
    el('b', {}, taken(recent?.upstream)),
    ' · ',
    el('span', { class: 'swatch own' }),
    'this proxy ',
    el('b', {}, taken(recent?.own)),
  )
  places.traffic.setAttribute('role', 'img')
  places.traffic.setAttribute('aria-label', `Requests a second over ${shown.words}: ${total} in all, ${failed} failed.`)
  places.latency.setAttribute('role', 'img')
  places.latency.setAttribute(
    'aria-label',
    `Time of requests over ${shown.words}, on a logarithmic scale: at Cloudaware and in this proxy.`,
  )
  showEmpty(total === 0)

  charts ??= { traffic: new uPlot(...trafficChart()), latency: new uPlot(...latencyChart()) }
  const times = steps.map(({ at }) => at)
  charts.traffic.setData([times, steps.map((step) => step.rate), steps.map((step) => step.failed)])
  charts.latency.setData([times, steps.map((step) => step.upstream), steps.map((step) => step.own)])
}

/** @param {number | null | undefined} ms */
function taken(ms) {
  return ms === null || ms === undefined ? '–' : milliseconds(ms)
}

/** @param {boolean} isEmpty */
function showEmpty(isEmpty) {
  for (const place of [places.traffic, places.latency]) {
    const shown = place.querySelector('.empty')
    if (isEmpty && !shown) place.append(el('p', { class: 'empty' }, 'No requests lately.'))
    if (!isEmpty) shown?.remove()
  }
}

/** @returns {[uPlot.Options, uPlot.AlignedData, HTMLElement]} */
function trafficChart() {
  const band = colour('--band')
  const bars = uPlot.paths.bars?.({ size: [0.82, 20] })
  const style = (/** @type {string} */ stroke) => ({
    stroke,
    fill: stroke,
    width: 0,
    points: { show: false },
    ...(bars && { paths: bars }),
  })
  return [
    {
      ...common(places.traffic),
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      series: [{}, style(band), style(colour('--bad'))],
      axes: [timeAxis(), { ...axis(), size: 42, values: (_, values) => values.map((value) => rate(value)) }],
    },
    [[], [], []],
    places.traffic,
  ]
}

/** @returns {[uPlot.Options, uPlot.AlignedData, HTMLElement]} */
function latencyChart() {
  const line = (/** @type {string} */ stroke) => ({
    stroke,
    width: 2,
    points: { show: true, size: 5, fill: stroke, width: 0 },
    spanGaps: false,
  })
  return [
    {
      ...common(places.latency),
      scales: {
        // The library's types have an enum that its code has not.
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
        y: { distr: 3, log: 10, range: (_, min, max) => [0.1, 10 ** Math.ceil(Math.log10(Math.max(100, max, min)))] },
      },
      series: [{}, line(colour('--band')), line(colour('--own'))],
      axes: [
        timeAxis(),
        {
          ...axis(),
          size: 54,
          splits: (_, __, min, max) => powers(min, max),
          // Its own filter would leave out every other one.
          filter: (_, splits) => splits,
          values: (_, values) => values.map((value) => (value < 1000 ? `${value} ms` : `${value / 1000} s`)),
        },
      ],
    },
    [[], [], []],
    places.latency,
  ]
}

/**
 * @param {number} min
 * @param {number} max
 */
function powers(min, max) {
  const found = []
  for (let value = min; value <= max * 1.001; value *= 10) found.push(Number(value.toPrecision(1)))
  return found
}

/** @param {HTMLElement} place */
function common(place) {
  return {
    ...sizeOf(place),
    legend: { show: false },
    cursor: { show: false },
    padding: /** @type {[number, number, number, number]} */ ([8, 4, 0, 0]),
  }
}

/** @param {HTMLElement} place */
function sizeOf(place) {
  return { width: Math.max(200, place.clientWidth), height: 190 }
}

function axis() {
  return {
    stroke: colour('--dim'),
    font: `12px ${colour('--sans')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    gap: 6,
  }
}

function timeAxis() {
  return {
    ...axis(),
    grid: { show: false },
    size: 26,
    space: 72,
    values: (/** @type {uPlot} */ _, /** @type {number[]} */ values) => values.map((value) => timeOfDay(value * 1000)),
    incrs: [15, 30, 60, 120, 300],
  }
}

/** @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** @param {number} value */
function rate(value) {
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1)
}
