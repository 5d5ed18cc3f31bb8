import { useState } from 'react';
import { useLanguage } from '../../text/say-context';

/** When something was, in words near at hand ("2 hours ago", "Monday") and as a date further off. */
export function When({ at }: { readonly at: number }) {
  const language = useLanguage();
  const [now] = useState(() => Date.now());
  const date = new Date(at);
  return <time dateTime={date.toISOString()}>{near(at, now, language)}</time>;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function near(at: number, now: number, language: string): string {
  const ago = Math.max(0, now - at);
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'long' });
  if (ago < MINUTE) return relative.format(0, 'second');
  if (ago < HOUR) return relative.format(-Math.floor(ago / MINUTE), 'minute');
  if (ago < DAY) return relative.format(-Math.floor(ago / HOUR), 'hour');
  if (ago < 6 * DAY) return new Intl.DateTimeFormat(language, { weekday: 'long' }).format(at);
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(at);
}
