interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly name?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

/** A package-lock.json of version 3. */
export interface Lockfile {
  readonly lockfileVersion?: number
  readonly packages?: Readonly<Record<string, LockEntry>>
}

const SHA512 = /^sha512-[A-Za-z\d+/]{86}==$/

/**
 * What of a lock file would let something else be installed than what was reviewed: an entry without a SHA-512 of its content,
 * one that comes from another place than npm's public registry, or from the address of another package; one that runs a script
 * when it is installed and is not in `mayRunScripts`. That the lock file and package.json agree is checked by `npm ci`.
 */
export function lockfileProblems(lock: Lockfile, mayRunScripts: readonly string[]): string[] {
  if (lock.lockfileVersion !== 3 || lock.packages === undefined) return ['package-lock.json is not of version 3.']
  const entries = Object.entries(lock.packages).filter(([path]) => path !== '')
  if (entries.length === 0) return ['package-lock.json has no entries.']
  return entries.flatMap(([path, entry]) => {
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const tarball = `https://registry.npmjs.org/${name}/-/${String(name.split('/').at(-1))}-${String(entry.version)}.tgz`
    return [
      ...(entry.link === true || !path.startsWith('node_modules/') ? [`${path} is a folder, not a package.`] : []),
      ...(SHA512.test(entry.integrity ?? '') ? [] : [`${path} has no SHA-512 of its content.`]),
      // npm leaves the address out where it is the registry's own for this name and version.
      ...(entry.resolved === undefined || entry.resolved === tarball ? [] : [`${path} does not come from ${tarball}.`]),
      ...(entry.hasInstallScript === true && !mayRunScripts.includes(name)
        ? [`${path} runs a script when it is installed.`]
        : []),
    ]
  })
}
