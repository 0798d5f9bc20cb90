/**
 * What the proxy and the bare plugin weigh in a container with half a processor and 128 MiB, as docs/ship.md tells.
 * Ends with 1 where the proxy does not hold these limits through a minute of 100 requests a second.
 * Needs a container engine, and the image that `npm run test:container` builds.
 */
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { Network } from 'testcontainers'
import { HardenedContainer, startOrg } from '../test/support/containers.ts'
import { limitedProxy, measureLimited } from '../test/support/limited-container.ts'

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'

const load = { requests: 6000, rate: 100, openAtMost: 6000 }
const folder = resolve(import.meta.dirname, '../.cache/bare')
await build({
  entryPoints: [resolve(import.meta.dirname, 'programs/bare-plugin.ts')],
  outfile: resolve(folder, 'bare-plugin.mjs'),
  bundle: true,
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'none',
  format: 'esm',
  platform: 'node',
  banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
  footer: { js: `console.log('listening')` },
})

await using network = await new Network().start()
await using org = await startOrg(network)
const bare = new HardenedContainer()
  .withoutHealthCheck()
  .withEntrypoint([
    'node',
    '--max-semi-space-size=1',
    '/bare/bare-plugin.mjs',
    '8080',
    'https://org:8443',
    '/org/ca.pem',
  ])
  .withCommand([])
const contestants = [
  { name: 'cloudaware-proxy', ...limitedProxy(), mounts: [] },
  { name: 'the bare plugin', container: bare, readyLine: /listening/, mounts: [{ source: folder, target: '/bare' }] },
]
for (const { name, container, readyLine, mounts } of contestants) {
  const measured = await measureLimited({ network, org, container, readyLine, mounts, load })
  process.stdout.write(`${name}: ${JSON.stringify(measured)}\n`)
  const isHeld = measured.oomKills === 0 && measured.restarts === 0 && measured.health === 'healthy'
  if (name === 'cloudaware-proxy' && !(isHeld && measured.statuses[200] === load.requests)) process.exitCode = 1
}
await rm(folder, { recursive: true })
