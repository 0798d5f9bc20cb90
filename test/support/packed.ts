import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const ROOT = resolve(import.meta.dirname, '../..')
const LEFT_BEHIND = ['node_modules', '.git', '.cache', 'coverage', 'dist', 'test', 'config.env']

export interface Packed extends AsyncDisposable {
  /** The copy of the checkout in which it was packed. */
  readonly checkout: string
  readonly tarball: string
  /** The prefix under which the tarball is installed globally, with this very Node. */
  readonly prefix: string
  /** npm in the copy, with this very Node; answers what it prints. */
  npm(...argv: string[]): Promise<string>
}

/** `npm pack` in a copy of this checkout, and `npm install -g` of what it packed under a prefix of its own. */
export async function packAndInstall(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'))
  const [checkout, prefix] = [join(folder, 'cloudaware-proxy'), join(folder, 'prefix')]
  for (const entry of await readdir(ROOT)) {
    if (!LEFT_BEHIND.includes(entry)) await cp(join(ROOT, entry), join(checkout, entry), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const npm = async (...argv: string[]) => {
    const env = { ...process.env, PATH, NO_UPDATE_NOTIFIER: '1' }
    return (await run('npm', argv, { cwd: checkout, env, maxBuffer: 16 * 1024 * 1024 })).stdout
  }
  await npm('pack', '--silent', '--pack-destination', folder)
  const name = (await readdir(folder)).find((file) => file.endsWith('.tgz')) ?? ''
  const tarball = join(folder, name)
  // Everything is inside: nothing has to be fetched.
  await npm('install', '--silent', '--offline', '--global', '--prefix', prefix, tarball)
  return { checkout, tarball, prefix, npm, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
