import { useEffect, useRef } from 'react';
import { meter } from '../../media/meter';
import styles from './Level.module.css';

const BARS = [0.55, 0.85, 1, 0.8, 0.5];

/** Five bars that move with the voice. Drawn past React: it changes sixteen times a second. */
export function Level({ track }: { readonly track: MediaStreamTrack | null }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!track) return undefined;
    return meter(track, (level) => {
      const bars = place.current?.children ?? [];
      Array.from(bars).forEach((bar, index) => {
        if (bar instanceof HTMLElement) bar.style.height = `${3 + Math.round(15 * level * (BARS[index] ?? 1))}px`;
      });
    });
  }, [track]);
  return (
    <span className={styles['level']} ref={place} aria-hidden="true">
      {BARS.map((share) => (
        <i key={share} />
      ))}
    </span>
  );
}
