/** What people type, brought to its canonical form (MEET-1); the server decides, this only spares it a request. */

const IGNORED = /[\s\-\u2010-\u2015\u2212\u00ad\u200b\ufe58\ufe63\uff0d]+/g;
const CANONICAL = /^[A-Z0-9]{3,64}$/;
/** Ids that moot makes: twelve of an alphabet without vowels and look-alikes (MEET-5). */
const GENERATED = /^[2-9BCDFGHJKMNPQRSTVWXZ]{12}$/;

export type IdFault = 'empty' | 'short' | 'long' | 'characters';
export type ParsedId = { readonly id: string } | { readonly fault: IdFault };

/** Read a Meeting ID in any spelling, or a link to one. */
export function parseMeetingId(text: string): ParsedId {
  const bare = lastSegment(text.trim()).replace(IGNORED, '');
  const id = bare.toUpperCase();
  if (CANONICAL.test(id) && bare.length === id.length) return { id };
  if (bare === '') return { fault: 'empty' };
  if (!/^[a-z0-9]*$/i.test(bare)) return { fault: 'characters' };
  return { fault: bare.length < 3 ? 'short' : 'long' };
}

/** From a link only its path's first part counts, whatever server, query or fragment it names. */
function lastSegment(text: string): string {
  const link = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/\s?#]+\/+([^/?#]+)/i.exec(text);
  const part = link?.[1] ?? text.replace(/^\/+/, '').replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Group a Meeting ID for reading aloud: made ones in fours, short ones in threes, chosen words as they are. */
export function groupMeetingId(id: string): string {
  const size = GENERATED.test(id) ? 4 : id.length === 6 ? 3 : id.length;
  return id.match(new RegExp(`.{1,${size}}`, 'g'))?.join(' ') ?? id;
}

/** A meeting's address on this server: its canonical Meeting ID. */
export function meetingPath(id: string): string {
  return `/${id}`;
}
