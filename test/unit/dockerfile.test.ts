import { readFileSync } from 'node:fs'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { expect, test } from 'vitest'

const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')

test('the Dockerfile has no instruction, flag or form that a builder would refuse or warn of', () => {
  expect(validate(text).map(({ message }) => message)).toEqual([])
  expect(validate(text.replace('--retries', '--retires'))).not.toEqual([])
})

test('its last stage begins from scratch, and what only BuildKit reads is not used', () => {
  const parsed = DockerfileParser.parse(text)
  const stages = parsed.getFROMs()
  expect(stages.at(-1)?.getImage()).toBe('scratch')
  // The classic builder knows neither mounts nor here-documents, nor modes of what it copies.
  for (const instruction of parsed.getInstructions()) {
    expect(instruction.getRawArgumentsContent() ?? '').not.toMatch(
      /^--(?:mount|network|security)=|--(?:chmod|link)\b|<</,
    )
  }
})
