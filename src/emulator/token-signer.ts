import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type GenerateKeyPairResult } from 'jose'
import type { Clock } from '../clock.ts'

const KEY_ID = 'CORE_ATJWT.00D'

/** Signs JWT-based access tokens with a key of the emulator's own, made when first needed. */
export class TokenSigner {
  readonly #org: { clock: Clock; clientId: string; userId: string }
  #keys: Promise<GenerateKeyPairResult> | undefined

  constructor(org: { clock: Clock; clientId: string; userId: string }) {
    this.#org = org
  }

  async sign(instanceUrl: string, expiresAt: number): Promise<string> {
    const { clock, clientId, userId } = this.#org
    // Read before the key, which may still have to be made.
    const now = Math.floor(clock.now() / 1000)
    const { privateKey } = await this.#pair()
    return new SignJWT({ scp: 'api', client_id: clientId, mty: 'oauth', roles: [], hsc: false })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: KEY_ID, tty: 'sfdc-core-token', ver: '1.0' })
      .setIssuer(instanceUrl)
      .setAudience(instanceUrl)
      .setSubject(`uid:${userId}`)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(privateKey)
  }

  /** The public half as a JWK set, as `/id/keys` serves it. */
  async keySet(): Promise<object> {
    const { publicKey } = await this.#pair()
    return { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }] }
  }

  #pair(): Promise<GenerateKeyPairResult> {
    this.#keys ??= generateKeyPair('RS256')
    return this.#keys
  }
}
