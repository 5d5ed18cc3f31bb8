import { describe, expect, it } from 'vitest';
import { ar } from './ar';
import { de } from './de';
import { en } from './en';
import { es } from './es';
import { fr } from './fr';
import { pickLanguage } from './text';

const OTHERS: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = { de, fr, es, ar };
const blanks = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).filter((blank) => blank !== '{{count}}').sort();
const base = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, '');

describe.each(Object.entries(OTHERS))('the words in %s', (_language, words) => {
  it('have a sentence for every English one, with the same blanks', () => {
    for (const [key, english] of Object.entries(en)) {
      const found = words[key] ?? words[`${base(key)}_other`];
      expect(found, key).toBeTruthy();
      expect(blanks(found ?? ''), key).toEqual(blanks(english));
    }
  });

  it('have no sentence that English has not', () => {
    const known = new Set(Object.keys(en).map(base));
    expect(Object.keys(words).filter((key) => !known.has(base(key)))).toEqual([]);
  });

  it('have no exclamation marks (look.md, "Words")', () => {
    expect(Object.entries(words).filter(([, text]) => text?.includes('!'))).toEqual([]);
  });
});

describe('the language', () => {
  it('is the one chosen, else the first of the browser that the page speaks, else English', () => {
    expect(pickLanguage('fr', ['de'])).toBe('fr');
    expect(pickLanguage('', ['nl-NL', 'de-AT', 'en'])).toBe('de');
    expect(pickLanguage('', ['ar-EG'])).toBe('ar');
    expect(pickLanguage('', ['constructor', 'ja'])).toBe('en');
  });
});
