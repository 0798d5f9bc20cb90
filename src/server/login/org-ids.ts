import type { AccessToken } from '../../token/token-source.ts'

/** Whom the real token stands for; 18 characters each. */
export interface OrgIds {
  readonly orgId: string
  readonly userId: string
}

/** Shown while nothing is known of the org: in the shape of ids, and nobody's. */
const NOBODY: OrgIds = { orgId: '00D000000000000EAA', userId: '005000000000000AAA' }

/** Those that the path of an identity URL names, as it is written: ids tell capitals apart. */
export function idsInPath(path: string): OrgIds | undefined {
  const [, orgId, userId] = /\/id\/(00D\w{12,15})\/(005\w{12,15})\/?$/.exec(path) ?? []
  return orgId === undefined || userId === undefined ? undefined : { orgId: caseSafe(orgId), userId: caseSafe(userId) }
}

/** The first 15 characters are the id, the rest of the 18 repeats their case. */
export function isSame(one: OrgIds, other: OrgIds): boolean {
  return sameId(one.orgId, other.orgId) && sameId(one.userId, other.userId)
}

function sameId(one: string, other: string): boolean {
  return one.slice(0, 15) === other.slice(0, 15)
}

/** Whether this user is nobody's: the token did not tell its own. */
export function isMadeUp({ userId }: OrgIds): boolean {
  return sameId(userId, NOBODY.userId)
}

/** From the identity URL of the token answer; else, for the org, from the token's own beginning. */
export function idsOf(token: Pick<AccessToken, 'value' | 'identityUrl'> | undefined): OrgIds {
  const told = idsInPath(token?.identityUrl ?? '')
  if (told !== undefined) return told
  const [, fromToken] = /^(00D\w{12,15})!/.exec(token?.value ?? '') ?? []
  return fromToken === undefined ? NOBODY : { ...NOBODY, orgId: caseSafe(fromToken) }
}

/** The 18-character form of an id: three more, each telling which of five characters are capitals. */
function caseSafe(id: string): string {
  if (id.length !== 15) return id
  const suffix = [0, 5, 10].map((start) => {
    const bits = Array.from(id.slice(start, start + 5), (character, at) => (/[A-Z]/.test(character) ? 1 << at : 0))
    return 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'.charAt(bits.reduce((sum, bit) => sum + bit, 0))
  })
  return id + suffix.join('')
}
