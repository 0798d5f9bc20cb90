import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile, rename } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareSocket } from '../../src/server/unix-socket.ts'

async function room() {
  const directory = await mkdtemp(join(tmpdir(), 'proxy-socket-'))
  return {
    directory,
    path: join(directory, 'proxy.sock'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

async function listening(path: string) {
  const server = createServer((socket) => socket.end('hello')).listen(path)
  await once(server, 'listening')
  return Object.assign(server, { [Symbol.asyncDispose]: () => closed(server) })
}

async function closed(server: Server) {
  if (!server.listening) return
  server.close()
  await once(server, 'close')
}

async function answerOf(path: string) {
  const chunks: unknown[] = await connect(path).toArray()
  return chunks.join('')
}

test('the socket is for its owner only, from the first moment on', async () => {
  await using place = await room()
  const socket = await prepareSocket(place.path)
  await using server = await listening(socket.listenPath)
  const [nursery = ''] = await readdir(place.directory)
  expect((await stat(join(place.directory, nursery))).mode & 0o777).toBe(0o700)
  await socket.publish()
  expect((await stat(place.path)).mode & 0o777).toBe(0o600)
  expect(await answerOf(place.path)).toBe('hello')
  await closed(server)
  await socket.remove()
  expect(await readdir(place.directory)).toEqual([])
})

test('a socket that a dead process left is replaced', async () => {
  await using place = await room()
  const dead = await listening(place.path)
  await rename(place.path, `${place.path}.kept`)
  await closed(dead)
  await rename(`${place.path}.kept`, place.path)
  const socket = await prepareSocket(place.path)
  await using server = await listening(socket.listenPath)
  await socket.publish()
  expect(await answerOf(place.path)).toBe('hello')
  await closed(server)
  await socket.remove()
})

test('a live socket is left to its owner', async () => {
  await using place = await room()
  await using owner = await listening(place.path)
  await expect(prepareSocket(place.path)).rejects.toThrow(/PROXY_SOCKET: another process is listening/)
  expect(owner.listening).toBe(true)
  expect(await answerOf(place.path)).toBe('hello')
})

test('a file that is no socket is left as it is', async () => {
  await using place = await room()
  await writeFile(place.path, 'precious')
  await expect(prepareSocket(place.path)).rejects.toThrow(/is no socket/)
  expect(await readFile(place.path, 'utf8')).toBe('precious')
})

test('a daemon that started meanwhile keeps the path', async () => {
  await using place = await room()
  const socket = await prepareSocket(place.path)
  await using server = await listening(socket.listenPath)
  await using rival = await listening(place.path)
  await expect(socket.publish()).rejects.toThrow(/another process/)
  await closed(server)
  await socket.remove()
  expect(await answerOf(place.path)).toBe('hello')
  expect(rival.listening).toBe(true)
})

test('what took the place of the socket is not removed at the end', async () => {
  await using place = await room()
  const socket = await prepareSocket(place.path)
  await using server = await listening(socket.listenPath)
  await socket.publish()
  await rm(place.path)
  await writeFile(place.path, 'precious')
  await closed(server)
  await socket.remove()
  expect(await readFile(place.path, 'utf8')).toBe('precious')
})

test('a directory that does not exist is an error, not a crash', async () => {
  await using place = await room()
  await expect(prepareSocket(join(place.path, 'nowhere', 'x'))).rejects.toThrow(/ENOENT/)
  await writeFile(place.path, '')
  await expect(prepareSocket(join(place.path, 'x'))).rejects.toThrow(/ENOTDIR/)
})
