import { derive, Live, type ReadLive } from '../live';
import type { PersonMedia, Picture } from '../media/port';
import { ownPicture } from '../media/pictures-own';
import type { Participant } from '../protocol/objects';
import type { Quality } from '../protocol/stream';
import type { MeetingState } from '../realtime/reducer';
import { HELD_MS, LastPictures } from './last-pictures';
import { Seating } from './seating';
import type { Self } from './self';
import type { LocalDevices } from './local-device';
import type { Preferences, Values } from './preferences';

/** One picture on the stage: a person, or a screen that a person shares. */
export interface TileModel {
  readonly key: string;
  readonly kind: 'person' | 'screen';
  readonly participantId: string;
  readonly label: string;
  readonly isSelf: boolean;
  readonly status: Participant['status'];
  readonly audio: boolean;
  readonly video: boolean;
  /** Place in the queue of raised hands, from 1, or null. */
  readonly handPlace: number | null;
  readonly picture: Picture | null;
  /** Whether the picture is shown mirrored, as oneself is used to. */
  readonly isMirrored: boolean;
  readonly isSpeaking: boolean;
  readonly level: number;
  readonly quality: Quality;
  /** Why the quality is poor, as the server says it; empty where it does not. */
  readonly cause: string;
}

/** What the stage shows: the subject large, or a grid. */
export interface StageView {
  readonly tiles: readonly TileModel[];
  readonly subject: string | null;
  readonly isHalf: boolean;
}

const SILENT: PersonMedia = { camera: null, screens: [], level: 0, quality: 'excellent' };

/** The server's word on one participant's connection. */
export interface Told {
  readonly quality: Quality;
  readonly cause: string;
}

export interface StageOptions {
  readonly state: ReadLive<MeetingState>;
  readonly people: ReadLive<ReadonlyMap<string, PersonMedia>>;
  readonly self: Self;
  readonly devices: LocalDevices;
  readonly preferences: Preferences;
  /** What the server says of each one's connection, by participant id. */
  readonly qualities: ReadLive<ReadonlyMap<string, Told>>;
  readonly now: () => number;
}

/** Which tiles there are, in which order, and which one is large. */
export class Stage {
  /** A tile the person has chosen to see large, by key. */
  readonly pinned = new Live<string | null>(null);
  /** How many grid places are on show; the view says so after measuring. */
  readonly visible = new Live(9);
  readonly view: ReadLive<StageView>;
  readonly #seating = new Seating();
  readonly #pictures = new LastPictures();
  /** Grows when held pictures may have to be let go. */
  readonly #turn = new Live(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tiles: readonly TileModel[] = [];
  #lastSpeaker: string | null = null;

  constructor(private readonly options: StageOptions) {
    const { state, people, self, devices, preferences, qualities } = options;
    this.view = derive(
      [state, people, self.share, devices.camera.track, preferences.values, this.pinned, this.visible, qualities, this.#turn],
      (meeting, media, share, camera, values, pinned, visible) => this.#compute(meeting, media, share && ownPicture(share.video), camera && ownPicture(camera), values, pinned, visible),
      (a, b) => a.tiles === b.tiles && a.subject === b.subject && a.isHalf === b.isHalf,
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #compute(
    meeting: MeetingState,
    media: ReadonlyMap<string, PersonMedia>,
    ownScreen: Picture | null,
    ownCamera: Picture | null,
    values: Values,
    pinned: string | null,
    visible: number,
  ): StageView {
    const present = [...meeting.participants.values()].filter((person) => person.status === 'connected' || person.status === 'reconnecting');
    const queue = handQueue(present);
    const tiles: TileModel[] = [];
    const screens: TileModel[] = [];
    for (const person of present.toSorted((a, b) => a.joined_at - b.joined_at || (a.id < b.id ? -1 : 1))) {
      const isSelf = person.id === meeting.meId;
      const arrives = media.get(person.id) ?? SILENT;
      const told = this.options.qualities.value.get(person.id);
      const last = this.#pictures.handle(person, isSelf && ownCamera ? { ...arrives, camera: ownCamera } : arrives, this.options.now());
      const shown = last.camera;
      const tile = {
        participantId: person.id, label: person.label, isSelf, status: person.status, audio: person.audio, video: person.video,
        handPlace: queue.get(person.id) ?? null, isSpeaking: arrives.level > 0 && person.audio, level: Math.round(arrives.level * 10) / 10,
        quality: told?.quality ?? arrives.quality, cause: told?.cause ?? '',
      };
      const hidesSelf = isSelf && values.hidesSelf && present.length > 1;
      if (!hidesSelf) tiles.push({ ...tile, key: person.id, kind: 'person', picture: shown, isMirrored: isSelf && values.mirrorsSelf && shown === ownCamera });
      const pictures = isSelf && ownScreen ? [ownScreen, ...arrives.screens] : last.screens;
      for (const picture of pictures) screens.push({ ...tile, key: `screen:${picture.id}`, kind: 'screen', picture, isMirrored: false, handPlace: null });
    }
    if (this.#pictures.isHolding) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#turn.update((turn) => turn + 1), HELD_MS);
    }
    const speaking = tiles.filter((tile) => tile.isSpeaking).map((tile) => tile.key);
    this.#seating.handlePresent(tiles.map((tile) => tile.key));
    const order = this.#seating.handleSpeakers(speaking, visible, this.options.now(), new Set(meeting.meId ? [meeting.meId] : []));
    const byKey = new Map(tiles.map((tile) => [tile.key, tile]));
    const seated = order.flatMap((key) => byKey.get(key) ?? []);
    this.#tiles = reuse(this.#tiles, [...screens, ...seated]);
    return { tiles: this.#tiles, subject: this.#subject(screens, seated, values.layout, pinned), isHalf: values.layout === 'side' };
  }

  /** What is large: the person's choice, else the newest screen of somebody else, else in speaker view who speaks. */
  #subject(screens: readonly TileModel[], people: readonly TileModel[], layout: Values['layout'], pinned: string | null): string | null {
    const all = [...screens, ...people];
    if (pinned !== null && all.some((tile) => tile.key === pinned)) return pinned;
    const screen = screens.findLast((tile) => !tile.isSelf) ?? screens.at(-1);
    if (screen) return screen.key;
    const others = people.filter((tile) => !tile.isSelf);
    if (layout === 'grid' || others.length === 0) return null;
    const loudest = others.filter((tile) => tile.isSpeaking).toSorted((a, b) => b.level - a.level)[0];
    if (loudest && !others.some((tile) => tile.isSpeaking && tile.key === this.#lastSpeaker)) this.#lastSpeaker = loudest.key;
    return others.find((tile) => tile.key === this.#lastSpeaker)?.key ?? others[0]?.key ?? null;
  }
}

/** Places in the queue of raised hands, by the server's time. */
export function handQueue(people: readonly Participant[]): ReadonlyMap<string, number> {
  const raised = people.filter((person) => person.hand_at !== null).toSorted((a, b) => (a.hand_at ?? 0) - (b.hand_at ?? 0) || (a.id < b.id ? -1 : 1));
  return new Map(raised.map((person, index) => [person.id, index + 1]));
}

/** Keep the objects that have not changed, so that their tiles are not drawn again. */
function reuse(before: readonly TileModel[], after: readonly TileModel[]): readonly TileModel[] {
  const known = new Map(before.map((tile) => [tile.key, tile]));
  const next = after.map((tile) => {
    const old = known.get(tile.key);
    return old && isSameTile(old, tile) ? old : tile;
  });
  return next.length === before.length && next.every((tile, index) => tile === before[index]) ? before : next;
}

function isSameTile(a: TileModel, b: TileModel): boolean {
  // How loud somebody is decides who is large; a tile shows only whether they speak.
  return (Object.keys(a) as (keyof TileModel)[]).every((key) => key === 'level' || (key === 'picture' ? a.picture?.id === b.picture?.id : Object.is(a[key], b[key])));
}
