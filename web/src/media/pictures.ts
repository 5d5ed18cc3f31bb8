import type { RemoteVideoTrack } from 'livekit-client';
import { ElementWatch } from './element-watch';
import { show } from './pictures-own';
import type { Picture } from './port';

const known = new WeakMap<RemoteVideoTrack, Picture>();

/** The one Picture of a received track. */
export function pictureOf(track: RemoteVideoTrack): Picture {
  const before = known.get(track);
  if (before) return before;
  const picture: Picture = {
    id: track.mediaStreamTrack.id,
    attach(element) {
      const watch = new ElementWatch(element);
      track.observeElementInfo(watch);
      const end = show(track.mediaStreamTrack, element);
      return () => {
        track.stopObservingElementInfo(watch);
        end();
      };
    },
  };
  known.set(track, picture);
  return picture;
}
