import type { ReactNode } from 'react';

/** Web addresses become links; everything else stays text. Nothing is ever parsed as HTML. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u2068\u2069\u202a-\u202e]+/gi;

export function LinkedText({ text }: { readonly text: string }) {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    // A full stop or bracket after an address belongs to the sentence.
    const address = match[0].replace(/[.,;:!?)\]}]+$/, '');
    if (!isSafe(address)) continue;
    parts.push(text.slice(from, match.index));
    parts.push(
      <a key={match.index} href={address} target="_blank" rel="noopener noreferrer nofollow">
        {address}
      </a>,
    );
    from = match.index + address.length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
}

function isSafe(address: string): boolean {
  try {
    const { protocol, username, password } = new URL(address);
    // An address with a user name in it is made to be misread.
    return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
  } catch {
    return false;
  }
}
