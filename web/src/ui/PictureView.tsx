import { useEffect, useRef, useState } from 'react';
import styles from './PictureView.module.css';

/** Something that can be shown in a video element. */
export interface Showable {
  readonly id: string;
  attach(element: HTMLVideoElement): () => void;
}

/** A video that comes in sharp or not at all: it fades in with its first frame, and keeps its last one while the next picture is on its way. */
export function PictureView({ picture, isMirrored = false, fit = 'cover' }: { readonly picture: Showable; readonly isMirrored?: boolean; readonly fit?: 'cover' | 'contain' }) {
  const place = useRef<HTMLVideoElement>(null);
  const [hasFrame, setHasFrame] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const onFrame = (): void => setHasFrame(true);
    element.addEventListener('loadeddata', onFrame);
    const end = picture.attach(element);
    return () => {
      element.removeEventListener('loadeddata', onFrame);
      end();
    };
    // The same picture may come in a new object; only another id is another picture.
  }, [picture.id]);
  return <video ref={place} className={styles['picture']} data-ready={hasFrame || undefined} data-mirrored={isMirrored || undefined} data-fit={fit} autoPlay playsInline muted />;
}
