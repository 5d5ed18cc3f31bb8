import { ConnectionQuality, type RemoteParticipant, RemoteVideoTrack, type Room, Track } from 'livekit-client';
import type { Quality } from '../protocol/stream';
import { parseIdentity } from './identity';
import { pictureOf } from './pictures';
import type { PersonMedia, Picture } from './port';

const QUALITY: Readonly<Record<ConnectionQuality, Quality>> = {
  [ConnectionQuality.Excellent]: 'excellent',
  [ConnectionQuality.Good]: 'good',
  [ConnectionQuality.Poor]: 'poor',
  [ConnectionQuality.Lost]: 'lost',
  [ConnectionQuality.Unknown]: 'good',
};
const WORST: readonly Quality[] = ['lost', 'poor', 'good', 'excellent'];

const SILENT: PersonMedia = { camera: null, screens: [], level: 0, quality: 'excellent' };

/** Fold LiveKit's participants, one per connection, into moot's: one per person (MEDIA-3). */
export function foldPeople(room: Room): ReadonlyMap<string, PersonMedia> {
  const people = new Map<string, PersonMedia>();
  const oldestFirst = [...room.remoteParticipants.values()].sort((a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0));
  for (const remote of oldestFirst) {
    const { participantId } = parseIdentity(remote.identity);
    const before = people.get(participantId);
    people.set(participantId, before ? join(before, one(remote)) : one(remote));
  }
  const own = room.localParticipant;
  const { participantId } = parseIdentity(own.identity);
  if (own.isSpeaking) people.set(participantId, join(people.get(participantId) ?? SILENT, { ...SILENT, level: Math.max(0.1, own.audioLevel) }));
  return people;
}

function one(remote: RemoteParticipant): PersonMedia {
  const screens: Picture[] = [];
  let camera: Picture | null = null;
  for (const publication of remote.videoTrackPublications.values()) {
    if (!(publication.track instanceof RemoteVideoTrack) || publication.isMuted) continue;
    if (publication.source === Track.Source.ScreenShare) screens.push(pictureOf(publication.track));
    else camera = pictureOf(publication.track);
  }
  return { camera, screens, level: remote.isSpeaking ? Math.max(0.1, remote.audioLevel) : 0, quality: QUALITY[remote.connectionQuality] };
}

/** The newer connection's camera wins; screens add up; the louder level and the worse quality count. */
function join(older: PersonMedia, newer: PersonMedia): PersonMedia {
  return {
    camera: newer.camera ?? older.camera,
    screens: [...older.screens, ...newer.screens],
    level: Math.max(older.level, newer.level),
    quality: WORST.find((quality) => quality === older.quality || quality === newer.quality) ?? 'good',
  };
}
