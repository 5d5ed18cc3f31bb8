import type { ReadLive } from '../live';
import type { MediaTicket } from '../protocol/objects';
import type { Quality } from '../protocol/stream';
import type { Counters } from './figures';

/** The media engine as the rest of the page sees it. Only this folder knows LiveKit. */

/** One video that can be shown in any number of elements. */
export interface Picture {
  /** Stays the same as long as it is the same track. */
  readonly id: string;
  /** Show the picture in `element` until the returned function is called. The last frame stays on show. */
  attach(element: HTMLVideoElement): () => void;
}

/** What arrives from one participant, all connections folded together (MEDIA-3). */
export interface PersonMedia {
  readonly camera: Picture | null;
  readonly screens: readonly Picture[];
  /** Audio level 0 to 1, or 0 while not speaking. */
  readonly level: number;
  readonly quality: Quality;
}

/** `dismissed`: closed, and the server has said that this stay is over; the event stream says why. */
export type MediaLink = 'connecting' | 'open' | 'reconnecting' | 'closed' | 'dismissed';

/** What a screen share should favour: sharp text or smooth motion. */
export type ShareHint = 'detail' | 'motion';

export interface Share {
  readonly video: MediaStreamTrack;
  readonly audio: MediaStreamTrack | null;
  readonly hint: ShareHint;
}

/** One live link to the media engine. `connect` may be called again with a fresh ticket after `closed` and `dismissed`. */
export interface MediaEngine {
  readonly link: ReadLive<MediaLink>;
  /** By participant id; who sends nothing may be missing. Of this page's own connection only the level is in it. */
  readonly people: ReadLive<ReadonlyMap<string, PersonMedia>>;
  /** False while the browser wants a click before it plays sound. */
  readonly mayPlaySound: ReadLive<boolean>;
  connect(ticket: MediaTicket): Promise<void>;
  /** Publish the microphone, replace its track, or with null mute it. Latest call wins. */
  sendMicrophone(track: MediaStreamTrack | null): Promise<void>;
  /** Publish the camera, replace its track, or with null mute it. Latest call wins. */
  sendCamera(track: MediaStreamTrack | null): Promise<void>;
  /** Publish a screen, or with null stop sharing. */
  sendScreen(share: Share | null): Promise<void>;
  /** Play sound through this device from now on. */
  useSpeaker(deviceId: string): Promise<void>;
  /** Receive no pictures but screens, to save data. */
  saveData(on: boolean): void;
  /** Play sound, from inside a click. */
  allowSound(): Promise<void>;
  /** What the link has carried so far. */
  counters(): Promise<Counters>;
  close(): Promise<void>;
}
