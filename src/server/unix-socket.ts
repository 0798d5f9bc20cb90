import { chmod, lstat, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { Stats } from 'node:fs'

/** Why PROXY_SOCKET cannot be opened, in a sentence for people. */
export class SocketError extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(`PROXY_SOCKET: ${problem}`, options)
    this.name = 'SocketError'
  }
}

/** What the kernels take, the closing NUL aside: 107 bytes on Linux, 103 on macOS. */
const MAX_PATH_BYTES = 103

/** A place for a unix socket that nobody but its owner can reach at any moment. */
export interface SocketPlace {
  /** Where the server is to listen at first: inside a directory that only its owner may enter. */
  readonly listenPath: string
  /** Call when the server listens: gives the socket mode 0600 and moves it to its own path. */
  publish(): Promise<void>
  /** Call when the server is closed. Removes the socket where it is still ours. */
  remove(): Promise<void>
}

/**
 * Prepares PROXY_SOCKET. A socket left by a dead process is replaced; a live one, or a file of another kind, is a
 * SocketError that says so. The mode needs no umask: the socket is made where nobody else can get at it.
 */
export async function prepareSocket(path: string): Promise<SocketPlace> {
  await checkFree(path)
  // Beside the final path, so that the move is a rename within one file system. mkdtemp makes it 0700.
  const nursery = await explained(mkdtemp(join(dirname(path), '.s-')), path)
  const listenPath = join(nursery, 's')
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(listenPath)) > MAX_PATH_BYTES) {
    await rm(nursery, { recursive: true })
    throw new SocketError('its path is too long for a socket. Choose one of at most 90 bytes.')
  }
  let ours: Stats | undefined

  return {
    listenPath,
    async publish() {
      await chmod(listenPath, 0o600)
      ours = await lstat(listenPath)
      // Looked at again: another daemon may have started meanwhile.
      await checkFree(path)
      await rename(listenPath, path)
      await rm(nursery, { recursive: true })
    },
    async remove() {
      await rm(nursery, { recursive: true, force: true })
      const found = await statOf(path)
      if (ours !== undefined && found?.ino === ours.ino && found.dev === ours.dev) await unlink(path)
    },
  }
}

/** Resolves where nothing, or only a dead socket, is at the path. The rename replaces the latter in one step. */
async function checkFree(path: string): Promise<void> {
  const found = await explained(statOf(path), path)
  if (found === undefined) return
  if (!found.isSocket()) throw new SocketError(`${path} exists and is no socket. It is left as it is.`)
  const code = await connectionError(path)
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return
  throw new SocketError(
    code === undefined
      ? `another process is listening on ${path}.`
      : `${path} is a socket that cannot be examined (${code}). It is left as it is.`,
  )
}

/** The file system's own errors with the setting's name. */
async function explained<T>(result: Promise<T>, path: string): Promise<T> {
  try {
    return await result
  } catch (cause) {
    // Node's file system errors carry a code.
    throw new SocketError(`${path} cannot be made (${String((cause as NodeJS.ErrnoException).code)}).`, { cause })
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    // Node's file system errors carry a code.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The code with which a connection fails; undefined where it succeeds. */
function connectionError(path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect(path)
  socket.once('connect', () => {
    resolve(undefined)
    // Politely: a reset could crash a careless owner.
    socket.unref().resume().end()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code ?? 'unknown')
  })
  return promise
}
