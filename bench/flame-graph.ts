interface Frame {
  samples: number
  readonly callees: Map<string, Frame>
}

interface Measured {
  readonly requests: number
  /** Samples a second. */
  readonly hertz: number
}

const WIDTH = 1200
const ROW = 17
/** Narrower ones would be lines without a name. */
const LEAST_WIDTH = 3
const CHARACTER = 6.7

/** The output of `perf script -F ip,sym` as an SVG: callers below, callees above; as wide as the samples in which they were seen. */
export function flameGraph(stacks: string, { requests, hertz }: Measured): string {
  const root: Frame = { samples: 0, callees: new Map() }
  for (const stack of stacks.split('\n\n')) add(root, namesIn(stack))
  const microseconds = (samples: number) => ((samples / hertz) * 1e6) / requests
  const boxes: string[] = []
  const height = (depthOf(root, WIDTH / root.samples) + 1) * ROW + 24
  draw(root, { x: 0, depth: 0, isKernel: false })

  function draw(frame: Frame, { x, depth, isKernel }: { x: number; depth: number; isKernel: boolean }): void {
    let at = x
    for (const [name, callee] of frame.callees) {
      const width = (callee.samples * WIDTH) / root.samples
      if (width >= LEAST_WIDTH) {
        const y = height - (depth + 1) * ROW
        const isWithin = isKernel || KERNEL.test(name)
        const told = `${microseconds(callee.samples).toFixed(2)} µs a request`
        boxes.push(box({ name, kind: isWithin ? 'kernel' : kindOf(name), width, x: at, y, told }))
        draw(callee, { x: at, depth: depth + 1, isKernel: isWithin })
      }
      at += width
    }
  }

  const title = `The main thread under load: ${microseconds(root.samples).toFixed(1)} µs a request`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<style>
text { font: 11px ui-monospace, monospace; fill: #1f2328 }
.title { font: 600 14px system-ui, sans-serif }
.ours { fill: #54aeff } .node { fill: #eac54f } .native { fill: #d0d7de } .kernel { fill: #ffab70 }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="4" y="16" class="title">${title}. Blue: bundled JavaScript; yellow: Node's own; orange: kernel; grey: C++.</text>
${boxes.join('\n')}
</svg>
`
}

/** From the event loop on: what called that is the same in all. */
function namesIn(stack: string): string[] {
  const names = stack
    .split('\n')
    .map((line) => /^\s*[\da-f]+ (.*)$/.exec(line)?.[1])
    .filter((name) => name !== undefined)
    .map(shortened)
    .toReversed()
  return names.slice(Math.max(names.indexOf('uv_run'), 0))
}

/** V8 writes `JS:*name file:line:column`, the star where it is optimised. */
function shortened(symbol: string): string {
  const [, name, place] = /^(?:JS|LazyCompile|Function):[*~^+']*(\S*) (\S*)$/.exec(symbol) ?? []
  if (name === undefined || place === undefined) return symbol.replace(/^JS:[*~^+']*/, '').slice(0, 80)
  const file = place.replace(/^.*\/(?=[^/]+$)/, place.startsWith('node:') ? 'node:' : '')
  return `${name === '' ? '(anonymous)' : name} ${file}`
}

function add(root: Frame, names: readonly string[]): void {
  if (names.length === 0) return
  root.samples += 1
  let frame = root
  for (const name of names) {
    const callee = frame.callees.get(name) ?? { samples: 0, callees: new Map<string, Frame>() }
    frame.callees.set(name, callee)
    callee.samples += 1
    frame = callee
  }
}

/** Of what is wide enough to be drawn. */
function depthOf(frame: Frame, scale: number): number {
  const drawn = [...frame.callees.values()].filter(({ samples }) => samples * scale >= LEAST_WIDTH)
  return 1 + Math.max(0, ...drawn.map((callee) => depthOf(callee, scale)))
}

interface Box {
  readonly name: string
  readonly kind: string
  readonly told: string
  readonly x: number
  readonly y: number
  readonly width: number
}

function box({ name, kind, told, x, y, width }: Box): string {
  const room = Math.floor((width - 4) / CHARACTER)
  const label = room < 3 ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(name.slice(0, room))}</text>`
  const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${(width - 0.5).toFixed(1)}" height="${ROW - 1}" class="${kind}"/>`
  return `<g><title>${escaped(name)}: ${told}</title>${rect}${label}</g>`
}

/** The first of what the kernel does. */
const KERNEL = /^(?:entry_SYSCALL|asm_)/

function kindOf(name: string): string {
  if (/\.[cm]?js:\d|wasm/.test(name)) return 'ours'
  return name.includes(' node:') ? 'node' : 'native'
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
