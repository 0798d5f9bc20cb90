import tls from 'node:tls'
import { Agent } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connectorFor } from '../../src/upstream/connector.ts'
import { trusting } from '../../src/upstream/trust.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startOriginServer } from '../support/origin-server.ts'

const certificate = await selfSignedCertificate('localhost')

async function ask(origin: string, ca: string | undefined): Promise<void> {
  const agent = new Agent({ connect: connectorFor({ timeoutMs: 5000, secureContext: trusting(ca) }), connections: 3 })
  onTestFinished(() => agent.destroy())
  const asking = Array.from({ length: 3 }, () => agent.request({ origin, path: '/', method: 'GET' }))
  await Promise.all((await Promise.all(asking)).map(({ body }) => body.dump()))
}

test('a further CA is trusted beside Node’s own, by one list for all connections', async () => {
  await using origin = await startOriginServer((_, response) => response.end('ok'), certificate)
  // What tls.connect calls for each connection that does not bring its own.
  const made = vi.spyOn(tls, 'createSecureContext')
  onTestFinished(() => {
    made.mockRestore()
  })
  await ask(`https://localhost:${origin.port}`, certificate.cert)
  expect(origin.connections).toBe(3)
  expect(made).not.toHaveBeenCalled()
  await expect(ask(`https://localhost:${origin.port}`, undefined)).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  expect(made).toHaveBeenCalled()
})
