import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SelfSigned {
  /** Key and certificate in one PEM file, so that they always belong together. */
  readonly pemFile: string
  /** The certificate alone: what a tool is told to trust. */
  readonly certFile: string
}

/** macOS trusts none that lives longer. */
const LIFE_DAYS = 825
const DAY_MS = 86_400_000
/** One that ends within this is replaced at the next start. */
const RENEW_DAYS = 30

/**
 * A certificate for localhost that nobody else has, made on first use and kept for its owner only. It is no authority:
 * a tool that trusts it trusts this one server, and whoever steals the key can pose as nothing but localhost.
 */
export async function keptSelfSigned(directory: string, now: number): Promise<SelfSigned> {
  const files = { pemFile: join(directory, 'localhost.pem'), certFile: join(directory, 'localhost.crt') }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  let pem = await goodPem(files.pemFile, now)
  if (pem === undefined) {
    await rm(files.pemFile, { force: true })
    pem = await writeFirst(files.pemFile, await newPem(now))
  }
  // A mode that was widened since, by a copy or a restored backup.
  await chmod(files.pemFile, 0o600)
  await writeOwn(files.certFile, new X509Certificate(pem).toString())
  return files
}

/** undefined where the file is missing, damaged or about to end. */
async function goodPem(path: string, now: number): Promise<string | undefined> {
  try {
    const pem = await readFile(path, 'utf8')
    const certificate = new X509Certificate(pem)
    const isLasting = certificate.validToDate.getTime() > now + RENEW_DAYS * DAY_MS
    return isLasting && certificate.checkPrivateKey(createPrivateKey(pem)) ? pem : undefined
  } catch {
    return undefined
  }
}

async function newPem(now: number): Promise<string> {
  // Loaded only where it is needed: it brings a library of ASN.1.
  const { generate } = await import('selfsigned')
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    // Legacy tools are whom it serves, and not all of them know elliptic curves.
    keySize: 2048,
    algorithm: 'sha256',
    // A clock that is a little behind must not find it not yet valid.
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + (LIFE_DAYS - 1) * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return `${key.trim()}\n${cert.trim()}\n`
}

/** Instances that share the directory may start together: all use the file of the first. Returns its content. */
async function writeFirst(path: string, content: string): Promise<string> {
  const temporary = await writeBeside(path, content)
  try {
    await link(temporary, path)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    // Not every file system has hard links.
    if (!isTaken) await rename(temporary, path)
  }
  await rm(temporary, { force: true })
  return readFile(path, 'utf8')
}

/** Whole or not at all. */
async function writeOwn(path: string, content: string): Promise<void> {
  await rename(await writeBeside(path, content), path)
}

/** Never readable by others, whatever the umask. */
async function writeBeside(path: string, content: string): Promise<string> {
  const temporary = `${path}.${randomUUID()}.new`
  await writeFile(temporary, content, { mode: 0o600 })
  return temporary
}
