import type { Picture } from './port';

const own = new WeakMap<MediaStreamTrack, Picture>();

/** A picture of this computer's own camera or screen. */
export function ownPicture(track: MediaStreamTrack): Picture {
  const before = own.get(track);
  if (before) return before;
  const picture: Picture = { id: track.id, attach: (element) => show(track, element) };
  own.set(track, picture);
  return picture;
}

/** Play `track` in `element`. Ending it leaves the last frame; the next picture replaces it. */
export function show(track: MediaStreamTrack, element: HTMLVideoElement): () => void {
  element.muted = true;
  element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  const play = (): void => void element.play().catch(() => undefined);
  play();
  // A page that was asleep, or a browser that saved power, may have paused it.
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') play();
  };
  document.addEventListener('visibilitychange', onVisible);
  return () => document.removeEventListener('visibilitychange', onVisible);
}
