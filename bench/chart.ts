import { FLOOR, OURS } from './contestants.ts'
import type { Results } from './results.ts'
import { medianRatio } from './statistics.ts'
import type { Series } from './throughput.ts'

const WIDTH = 760
const LABEL_WIDTH = 230
const BAR = 18
const GAP = 8

/** Requests a second as shares of the Node floor, as SVG: once in clear, once over TLS. */
export function chart({ plain, tls }: Results): string {
  const parts: string[] = []
  let y = 30
  for (const [title, rows] of [
    ['Plain upstream: requests a second, as a share of the Node floor', plain],
    ['TLS upstream: requests a second, as a share of the Node floor', tls],
  ] as const) {
    const shares = sharesOf(rows)
    const longest = Math.max(...shares.map(({ share }) => share), 1)
    parts.push(`<text x="0" y="${y}" class="title">${title}</text>`)
    y += 14
    for (const { name, share } of shares) {
      const width = ((WIDTH - LABEL_WIDTH - 60) * share) / longest
      const kind = name.startsWith(OURS) ? 'ours' : 'other'
      const middle = y + BAR / 2 + 4
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${name}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" class="${kind}"/>`,
        `<text x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${share.toFixed(2)}</text>`,
      )
      y += BAR + GAP
    }
    y += 34
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y - 20}" role="img" aria-label="Requests a second of each proxy as shares of the Node floor">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.other { fill: #8c959f }
.ours { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .other { fill: #6e7681 } .ours { fill: #58a6ff } }
</style>
${parts.join('\n')}
</svg>
`
}

function sharesOf(rows: readonly Series[]): { name: string; share: number }[] {
  const floor = rows.find(({ name }) => name === FLOOR)?.requestsPerSecond ?? []
  return rows
    .map(({ name, requestsPerSecond }) => ({ name, share: medianRatio(requestsPerSecond, floor) }))
    .toSorted((a, b) => b.share - a.share)
}
