/** @fastify/http-proxy as its documentation mounts it: no guard, no token, no log. Arguments: port, origin, [CA file]. */
import { readFileSync } from 'node:fs'
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [port, origin = '', caFile] = process.argv.slice(2)
const app = Fastify({ bodyLimit: 2 ** 40 })
await app.register(httpProxy, {
  upstream: origin,
  undici: {
    connections: 64,
    pipelining: 1,
    ...(caFile !== undefined && { connect: { ca: readFileSync(caFile, 'utf8'), rejectUnauthorized: true } }),
  },
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
