/**
 * `npm pack` runs this before and after: the packed package.json names neither the libraries, whose code is in the bundle
 * and need not be installed again, nor anything that only a checkout can use.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const OF_A_CHECKOUT = ['scripts', 'dependencies', 'devDependencies', 'prettier']

const root = resolve(import.meta.dirname, '..')
const manifest = join(root, 'package.json')
const kept = join(root, '.cache/package.json.of-the-checkout')

function restore(): void {
  if (existsSync(kept)) renameSync(kept, manifest)
}

function strip(): void {
  // A pack that was broken off left the stripped one behind.
  restore()
  const text = readFileSync(manifest, 'utf8')
  mkdirSync(dirname(kept), { recursive: true })
  writeFileSync(kept, text)
  const fields = Object.entries(JSON.parse(text) as Record<string, unknown>)
  const packed = Object.fromEntries(fields.filter(([name]) => !OF_A_CHECKOUT.includes(name)))
  writeFileSync(manifest, `${JSON.stringify(packed, undefined, 2)}\n`)
}

if (process.argv[2] === 'strip') strip()
else restore()
