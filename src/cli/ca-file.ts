import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from '../config.ts'
import type { Cli } from './cli.ts'

/** The content of CLOUDAWARE_CA_FILE, which the settings have been checked to be able to read. */
export function caOf({ CLOUDAWARE_CA_FILE: path }: Settings, { cwd }: Pick<Cli, 'cwd'>): string | undefined {
  return path === undefined ? undefined : readFileSync(resolve(cwd, path), 'utf8')
}
