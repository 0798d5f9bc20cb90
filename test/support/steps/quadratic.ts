import { SaxesParser } from 'saxes'
import type { Target } from './targets.ts'

/** What the count has to find, one of each kind. */
export const QUADRATIC: readonly Target[] = [
  {
    name: 'an expression that looks for an end from every beginning',
    tokens: ['.'],
    ends: ['x'],
    limit: 1024,
    read: (text) => /\.+$/.test(text),
  },
  {
    name: 'a loop inside a loop',
    tokens: ['a'],
    limit: 1024,
    read: (text) => {
      let pairs = 0
      for (const one of text) for (const other of text) if (one === other) pairs++
      return pairs
    },
  },
  {
    name: 'a search of the whole text for every field',
    tokens: ['a&'],
    limit: 1024,
    read: (text) => text.split('&').filter(() => text.includes('=')),
  },
  {
    name: 'a library that goes through all that is open',
    tokens: ['<a>'],
    limit: 1024,
    read: (text) => new SaxesParser({ xmlns: true }).write(text),
  },
  {
    name: 'more than a text may cost, however linear',
    tokens: ['%'],
    limit: 1024 * 1024,
    read: (text) => {
      for (const character of text) {
        try {
          decodeURIComponent(character)
        } catch {
          // Counted as what it costs.
        }
      }
    },
  },
]
