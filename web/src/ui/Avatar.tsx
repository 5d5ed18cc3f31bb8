import styles from './Avatar.module.css';

/** Backgrounds that carry white initials at 4.5:1; one per person, the same every day. */
const COLOURS = ['#2f5d62', '#a2412c', '#5b5f97', '#3f6b3a', '#7a4b7a', '#8a5a12', '#2d6187', '#9a3d5d', '#4d6a1f', '#6a5140'];

/** What people see as one letter. Made once: that costs more than everything it is asked. */
const LETTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A person without a picture: their initials on a colour of their own. */
export function Avatar({ id, name, size }: { readonly id: string; readonly name: string; readonly size?: number }) {
  return (
    <span className={styles['avatar']} style={{ backgroundColor: colourOf(id), ...(size ? { width: size, height: size, fontSize: Math.max(12, size * 0.36) } : {}) }} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

export function colourOf(id: string): string {
  let hash = 7;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return COLOURS[hash % COLOURS.length] ?? '#2f5d62';
}

/** The first letters of the first and last word, by what people see as one letter. */
export function initialsOf(name: string): string {
  const words = name.replace(/\s*\(\d+\)$/, '').split(/\s+/).filter(isVisible);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return picked.map((word) => [...LETTERS.segment(word ?? '')].map(({ segment }) => segment).find(isVisible)?.toLocaleUpperCase() ?? '').join('');
}

function isVisible(text: string): boolean {
  return /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text);
}
