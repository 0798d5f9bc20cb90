import { generate } from 'selfsigned'

/** A certificate nobody has reason to trust, for `localhost`, 127.0.0.1, ::1 and further names; PEM. */
export async function selfSignedCertificate(...names: string[]): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
          ...names.map((value) => ({ type: 2 as const, value })),
        ],
      },
    ],
  })
  return { key, cert }
}
