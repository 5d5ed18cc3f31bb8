import { RemoteAudioTrack, type RemoteParticipant, type RemoteTrack, type Room } from 'livekit-client';
import { parseIdentity } from './identity';

/** Plays what others say; a person's own other tabs and devices stay silent here, or they would echo. */
export class Sound {
  readonly #elements = new Map<RemoteTrack, HTMLMediaElement>();

  start(room: Room, track: RemoteTrack, from: RemoteParticipant): void {
    if (!(track instanceof RemoteAudioTrack)) return;
    const isOwn = parseIdentity(from.identity).participantId === parseIdentity(room.localParticipant.identity).participantId;
    if (isOwn) return;
    const element = track.attach();
    element.dataset['participantId'] = parseIdentity(from.identity).participantId;
    element.dataset['source'] = track.source;
    element.hidden = true;
    document.body.append(element);
    this.#elements.set(track, element);
  }

  stop(track: RemoteTrack): void {
    const element = this.#elements.get(track);
    if (!element) return;
    track.detach(element);
    element.remove();
    this.#elements.delete(track);
  }

  stopAll(): void {
    for (const track of this.#elements.keys()) this.stop(track);
  }
}
