import { expect, test } from 'vitest'
import { MarkupBytes } from '../../src/server/markup-bytes.ts'
import { SoapShape } from '../../src/server/soap-shape.ts'

const ENCODINGS: Record<string, (text: string) => Buffer> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16LE': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16BE': (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
  'UTF-16BE without a mark': (text) => Buffer.from(text, 'utf16le').swap16(),
}

/** Whether it passes, read in pieces of so many bytes. */
function passes(bytes: Buffer, size = bytes.length): boolean {
  const markup = new MarkupBytes()
  const shape = new SoapShape()
  for (let at = 0; at < bytes.length; at += size) {
    if (!shape.push(markup.push(bytes.subarray(at, at + size)))) return false
  }
  return true
}

const WELL = [
  '<?xml version="1.0"?>\r\n<!-- <a> --><e:Envelope xmlns:e="x > \'y\'"><e:Header/>\n<e:Body ><query/></e:Body ></e:Envelope>\n<!-- x -->\n',
  '<Envelope><Header><a>text<![CDATA[</Header>]]]]><b/></a></Header><Body><q a="/>" b=\'"\'>x<Body/><Body>y</Body><![CDATA[</q><login>]]><!-- </q> -- > --><?pi </q>?></q><!-- - --> </Body> </Envelope>',
  // U+013C and U+3C3C hold the byte of `<`.
  '<Envelope><Body><q>\u013c\u3c3c\u3e3e \ud83d\ude00</q></Body></Envelope>',
  '<Envelope><Body><q><r></r><r/></q>',
]

const MORE: readonly (readonly [string, string])[] = [
  ['a second Body', '<Envelope><Body><q/></Body><Body><login/></Body></Envelope>'],
  ['a second Body after an empty one', '<Envelope><Body/><Body><login/></Body></Envelope>'],
  ['a second operation', '<Envelope><Body><q></q><login/></Body></Envelope>'],
  ['a second operation after an empty one', '<Envelope><Body><q a=">"/><login/>'],
  ['a second operation behind a comment', '<Envelope><Body><q><!--></q>--></q><!-- x --><login/>'],
  ['a second operation behind CDATA', '<Envelope><Body><q><![CDATA[</q>]]></q><login/>'],
  ['a Header after the Body', '<Envelope><Body><q/></Body><Header/></Envelope>'],
  ['a second envelope', '<Envelope><Body><q/></Body></Envelope><Envelope>'],
  ['an envelope after an empty one', '<Envelope/><Envelope><Body><q/>'],
  ['an unknown element after the Body', '<Envelope><Body><q/></Body><x/></Envelope>'],
  ['text after the operation', '<Envelope><Body><q/>x</Body></Envelope>'],
  ['text after the envelope', '<Envelope><Body><q/></Body></Envelope>x'],
  ['CDATA after the operation', '<Envelope><Body><q/><![CDATA[ ]]></Body></Envelope>'],
  ['an instruction after the operation', '<Envelope><Body><q/><?x y?></Body></Envelope>'],
  ['a DOCTYPE', '<!DOCTYPE x><Envelope><Body><q/></Body></Envelope>'],
  ['a DOCTYPE inside the operation', '<Envelope><Body><q><!DOCTYPE x></q></Body></Envelope>'],
  ['an end too many', '<Envelope><Body><q/></Body></Envelope></Envelope>'],
  ['a tag inside a tag', '<Envelope><Body><q a="<"></q></Body></Envelope>'],
  ['a byte order mark in the middle', '<Envelope>\ufeff<Body><q/></Body></Envelope>'],
  ['an endless name', `<${'a'.repeat(300)}><Body><q/>`],
]

for (const [encoding, encode] of Object.entries(ENCODINGS)) {
  test(`one operation alone passes in ${encoding}, wherever its chunks end`, () => {
    for (const text of WELL) {
      const bytes = encode(text)
      for (const size of [1, 2, 3, 5, 7, bytes.length])
        expect([text, size, passes(bytes, size)]).toEqual([text, size, true])
    }
  })

  test.each(MORE)(`%s does not in ${encoding}, wherever its chunks end`, (_what, text) => {
    const bytes = encode(text)
    for (const size of [1, 2, 3, 5, 7, bytes.length]) expect([size, passes(bytes, size)]).toEqual([size, false])
  })
}
