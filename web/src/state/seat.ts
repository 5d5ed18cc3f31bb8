import type { Sender } from '../api/call';
import * as api from '../api/meetings';
import { isTransient, ProblemError, problemCode } from '../api/problem';
import { say, sayFailure } from '../console';
import { Live, type ReadLive } from '../live';
import type { JoinAnswer, JoinRequest, KnockAnswer, OwnConnection, Preview, Problem } from '../protocol/objects';
import { EventStream, streamUrl } from '../realtime/event-stream';
import { deviceLabel } from './device-label';
import { MeetingModel, type Surroundings } from './meeting';
import type { RecentMeetings } from './recent';
import type { Tab } from './tab';
import { Writing } from './writing';

/** Where this tab stands with one meeting. Every phase has a way on (look.md, "Never a dead end"). */
export type Phase =
  | { readonly kind: 'looking' }
  | { readonly kind: 'missing'; readonly isStarting: boolean; readonly problem: Problem | null }
  | { readonly kind: 'before'; readonly preview: Preview; readonly elsewhere: readonly OwnConnection[]; readonly isJoining: boolean; readonly problem: Problem | null }
  | { readonly kind: 'knocking'; readonly preview: Preview }
  | { readonly kind: 'returning' }
  | { readonly kind: 'in'; readonly meeting: MeetingModel }
  | { readonly kind: 'out'; readonly why: OutReason; readonly problem: Problem | null }
  | { readonly kind: 'unreachable'; readonly retryAt: number };

export type OutReason = 'left' | 'moved' | 'removed' | 'ended' | 'denied' | 'full' | 'locked' | 'invalid' | 'refused';

const OUT: ReadonlyMap<string, OutReason> = new Map([
  ['participant_removed', 'removed'],
  ['meeting_full', 'full'],
  ['meeting_locked', 'locked'],
  ['meeting_ended', 'ended'],
  ['lobby_denied', 'denied'],
  ['meeting_id_invalid', 'invalid'],
]);

/** Seconds between tries while the server cannot be reached; the last repeats. */
const RETRY_S = [1, 2, 3, 5, 8];
/** Milliseconds between looks at a meeting that somebody stands before: who is in, locked, lobby, begun. */
const LOOK_EVERY_MS = 5_000;
/**
 * Milliseconds for which a page that is loaded goes straight back in. Longer has a tab that the browser restores the next
 * day go live unasked; shorter asks questions after a crash or a slow start of the computer.
 */
const RETURN_WITHIN_MS = 5 * 60_000;
/** Milliseconds between two notes that the person is in: a browser that crashes makes no last one. */
const SEEN_EVERY_MS = 20_000;

export interface SeatOptions extends Surroundings {
  readonly tab: Tab;
  readonly recent: RecentMeetings;
}

/** One person's way into one meeting, from this tab: look, start, knock, join, come back, leave. */
export class Seat {
  readonly #phase = new Live<Phase>({ kind: 'looking' });
  #turn = 0;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lobby: EventStream | null = null;
  #passcode: string | null = null;
  /** The connection to be, for as long as no answer has come: a repeat is the same one (JOIN-1). */
  #connectionId: string | null = null;
  /** The connection that waits in the lobby, which the one that comes in replaces. */
  #knocked: Sender | null = null;
  /** Whether the microphone was switched off here and the server has not heard it: the next connection says so. */
  #owesMute = false;
  readonly #writing = new Writing();
  #ends: (() => void)[] = [];

  constructor(
    readonly meetingId: string,
    private readonly options: SeatOptions,
    hasBegun = false,
  ) {
    if (!hasBegun) say('Initializing meeting', { meeting_id: meetingId });
  }

  get phase(): ReadLive<Phase> {
    return this.#phase;
  }

  /** Begin: straight back in after a refresh (JOIN-5), otherwise see what the meeting is. */
  async begin(): Promise<void> {
    const kept = this.options.tab.seat(this.meetingId);
    if (kept && Math.abs(this.options.now() - kept.seenAt) < RETURN_WITHIN_MS) await this.#return();
    else await this.look();
  }

  /** Ask the server about the meeting and show the way in. */
  async look(): Promise<void> {
    const turn = this.#next({ kind: 'looking' });
    try {
      const seen = await this.#see();
      if (turn !== this.#turn) return;
      this.#tries = 0;
      this.#next(seen ? { kind: 'before', ...seen, isJoining: false, problem: null } : { kind: 'missing', isStarting: false, problem: null });
      // While the person looks at themselves: after the press there is nothing left to fetch.
      if (seen) this.options.prepareEngine?.();
      this.#keepLooking();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error, () => void this.look());
    }
  }

  /** Start the meeting that nobody has created (MEET-6). */
  async start(): Promise<void> {
    const turn = this.#next({ kind: 'missing', isStarting: true, problem: null });
    try {
      const { created } = await api.ensureMeeting(this.meetingId);
      sayCreated(this.meetingId, created);
      if (turn === this.#turn) await this.look();
    } catch (error) {
      sayFailure('Error creating meeting', { meeting_id: this.meetingId, code: problemCode(error) });
      if (turn !== this.#turn) return;
      this.#refuse(error, { kind: 'missing', isStarting: false, problem: null });
    }
  }

  /** Join, or knock where a host opens the door. `hasKnocked`: a host has answered. */
  async join(name: string, passcode: string | null = null, hasKnocked = false): Promise<void> {
    const { devices, preferences } = this.options;
    const before = this.#phase.value;
    if (before.kind !== 'before' || before.isJoining) return;
    preferences.set({ name });
    this.#passcode = passcode;
    const turn = this.#next({ ...before, isJoining: true, problem: null });
    if (before.preview.meeting.lobby && !before.preview.known && !hasKnocked) return this.#knock(name, before);
    const isSecond = before.elsewhere.length > 0;
    // A second tab joins silently: the intents stay those of the first (JOIN-6).
    const asked = { audio: devices.microphone.isOn.value, video: devices.camera.isOn.value };
    try {
      const answer = await this.#ask({ name, ...(isSecond ? {} : asked), ...(this.#knocked ? { replaces: this.#knocked.id } : {}) });
      this.#knocked = null;
      if (turn !== this.#turn) return void api.leave(this.meetingId, null, answer.connection.id).catch(() => undefined);
      if (isSecond) devices.microphone.setOn(false);
      const wanted = { audio: devices.microphone.isOn.value, video: devices.camera.isOn.value };
      const { self } = this.#enter(answer, wanted.video && !isSecond);
      if (isSecond) return;
      // Switched while the answer was out.
      if (wanted.audio !== asked.audio) self.microphone.press(wanted.audio);
      if (wanted.video !== asked.video) self.pressCamera(wanted.video);
    } catch (error) {
      if (turn !== this.#turn) return;
      const code = problemCode(error);
      if (code === 'lobby_required') return this.#knock(name, before);
      sayFailure('Error joining meeting', { meeting_id: this.meetingId, code });
      const why = OUT.get(code);
      if (why) this.#out(why, problemOf(error));
      else if (code === 'meeting_not_found') void this.look();
      else this.#refuse(error, before);
    }
  }

  /** Stop waiting in the lobby. */
  async stopKnocking(): Promise<void> {
    this.#stopWaiting();
    await this.look();
  }

  /** Leave for good, at once (JOIN-7). */
  leave(): void {
    const phase = this.#phase.value;
    if (phase.kind !== 'in') return;
    const { meeting } = phase;
    void api.leave(this.meetingId, meeting.sender).catch(() => undefined);
    meeting.close();
    this.#out('left', null);
  }

  /** Come here with everything: this tab's devices take over and the others close. */
  async moveHere(): Promise<void> {
    const phase = this.#phase.value;
    if (phase.kind !== 'in') return;
    const { meeting } = phase;
    const { me } = meeting;
    if (me.value.audio) meeting.self.microphone.press(true);
    if (me.value.video) meeting.self.pressCamera(true);
    const others = await this.#elsewhere(meeting.sender.id);
    await Promise.allSettled(others.map((other) => api.leave(this.meetingId, meeting.sender, other.id)));
  }

  /** After another tab has taken over: come back in here, and take over from it. */
  async takeBack(): Promise<void> {
    await this.#return();
    await this.moveHere();
  }

  /** Try now, because the person asks or the network is back. */
  retryNow(): void {
    if (this.#phase.value.kind === 'unreachable') void this.begin();
    if (this.#phase.value.kind === 'in') this.#phase.value.meeting.check();
  }

  /** Let go of everything, because the page shows something else. Does not leave the meeting. */
  close(): void {
    // Whoever turns away before being back in is asked the next time.
    const { kind } = this.#phase.value;
    if (kind === 'returning' || kind === 'unreachable') this.options.tab.forgetSeat(this.meetingId);
    this.#next({ kind: 'looking' });
    this.#stopWaiting();
  }

  /** Take back the seat this tab had before its refresh, or that the server asks it to take anew. */
  async #return(isSecond = false): Promise<void> {
    const { tab, devices, now } = this.options;
    const kept = tab.seat(this.meetingId);
    if (kept) tab.keepSeat(this.meetingId, { ...kept, seenAt: now() });
    const turn = this.#next({ kind: 'returning' });
    this.options.prepareEngine?.();
    try {
      const answer = await this.#ask({ ...(kept ? { replaces: kept.connectionId } : {}), ...(this.#owesMute ? { audio: false } : {}) });
      if (turn !== this.#turn) return void api.leave(this.meetingId, null, answer.connection.id).catch(() => undefined);
      this.#tries = 0;
      this.#enter(answer, !isSecond && (kept?.cameraOn ?? devices.camera.isOn.value));
    } catch (error) {
      if (turn !== this.#turn) return;
      const code = problemCode(error);
      if (!isTransient(error)) tab.forgetSeat(this.meetingId);
      if (code === 'meeting_not_found') return void (await this.look());
      if (code === 'name_invalid' || code === 'lobby_required' || code === 'passcode_required') return void (await this.look());
      sayFailure('Error joining meeting', { meeting_id: this.meetingId, code });
      this.#fail(error, () => void this.#return(isSecond));
    }
  }

  /** The server has closed this connection: because another tab of this person has taken over, or because it was away too long. */
  async #comeBack(connectionId: string, wasOpen: boolean, turn: number): Promise<void> {
    const isElsewhere = (await this.#elsewhere(connectionId)).length > 0;
    if (turn !== this.#turn) return;
    if (isElsewhere && wasOpen) this.#out('moved', null);
    else await this.#return(isElsewhere);
  }

  async #ask(request: Omit<JoinRequest, 'connection_id' | 'device'>): Promise<JoinAnswer> {
    const passcode = this.#passcode ? { passcode: this.#passcode } : {};
    const connectionId = (this.#connectionId ??= crypto.randomUUID());
    try {
      const answer = await api.join(this.meetingId, { ...request, ...passcode, connection_id: connectionId, device: deviceLabel(navigator.userAgent) });
      this.#connectionId = null;
      return answer;
    } catch (error) {
      if (!isTransient(error)) this.#connectionId = null;
      throw error;
    }
  }

  #enter(answer: JoinAnswer, withCamera: boolean): MeetingModel {
    const { recent, tab, devices, now } = this.options;
    const ids = { meeting_id: this.meetingId, participant_id: answer.participant.id, connection_id: answer.connection.id };
    say(answer.created ? 'Participant joined successfully' : 'Participant already exists, updating status', ids);
    this.#owesMute = false;
    const meeting = new MeetingModel(answer, this.options, withCamera, this.#writing);
    const turn = this.#next({ kind: 'in', meeting });
    const keep = (): void => {
      if (turn !== this.#turn) return;
      tab.keepSeat(this.meetingId, { connectionId: answer.connection.id, cameraOn: devices.camera.isOn.value, seenAt: now() });
    };
    keep();
    const seeing = setInterval(keep, SEEN_EVERY_MS);
    this.#ends = [devices.camera.isOn.subscribe(keep), () => clearInterval(seeing)];
    recent.remember({ id: this.meetingId, title: answer.meeting.title, at: now(), isHost: answer.participant.role === 'host' });
    meeting.stream.link.subscribe(() => {
      const link = meeting.stream.link.value;
      if (turn !== this.#turn || link.kind !== 'closed') return;
      meeting.close();
      this.#owesMute = link.why === 'rejoin' && meeting.self.microphone.pending.value === false;
      if (link.why === 'rejoin') return void this.#comeBack(answer.connection.id, link.wasOpen, turn);
      this.#out(link.why === 'left' || link.why === 'replaced' ? 'moved' : link.why, null);
    });
    meeting.start(answer.media);
    return meeting;
  }

  async #knock(name: string, before: Phase & { kind: 'before' }): Promise<void> {
    const turn = this.#next({ kind: 'knocking', preview: before.preview });
    try {
      const answer: KnockAnswer = await api.knock(this.meetingId, { name, connection_id: crypto.randomUUID(), ...(this.#passcode ? { passcode: this.#passcode } : {}) });
      if (turn !== this.#turn) return this.#withdraw(answer.connection);
      if (answer.participant.status !== 'waiting') return void (await this.#joinAfter(name, before));
      this.#waitInLobby(answer, name, before, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      const why = OUT.get(problemCode(error));
      if (why) this.#out(why, problemOf(error));
      else this.#refuse(error, before);
    }
  }

  #waitInLobby(answer: KnockAnswer, name: string, before: Phase & { kind: 'before' }, turn: number): void {
    const stream = new EventStream(streamUrl(this.meetingId), answer.connection, null, {
      onEvent: () => undefined,
      onEphemeral: () => undefined,
      onLobby: (status) => {
        if (turn !== this.#turn || status === 'waiting') return;
        this.#closeLobby();
        if (status === 'admitted') void this.#joinAfter(name, before);
        else this.#out('denied', null);
      },
    }, this.options.openSocket);
    this.#lobby = stream;
    this.#knocked = answer.connection;
    stream.link.subscribe(() => {
      const link = stream.link.value;
      if (turn !== this.#turn || link.kind !== 'closed') return;
      this.#closeLobby();
      if (link.why === 'rejoin') void this.#knock(name, before);
      else this.#out(link.why === 'left' || link.why === 'replaced' ? 'moved' : link.why, null);
    });
    stream.open();
  }

  #stopWaiting(): void {
    this.#closeLobby();
    if (this.#knocked) this.#withdraw(this.#knocked);
    this.#knocked = null;
  }

  #withdraw({ id, fence }: Sender): void {
    void api.stopKnocking(this.meetingId, { id, fence }).catch(() => undefined);
  }

  #joinAfter(name: string, before: Phase & { kind: 'before' }): Promise<void> {
    this.#phase.set({ ...before, isJoining: false, problem: null });
    return this.join(name, this.#passcode, true);
  }

  /** What a stranger may know of the meeting, and where else this person is in it; null if nobody has created it. */
  async #see(): Promise<Pick<Phase & { kind: 'before' }, 'preview' | 'elsewhere'> | null> {
    try {
      const preview = await api.previewMeeting(this.meetingId);
      return { preview, elsewhere: preview.known ? await this.#elsewhere() : [] };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'meeting_not_found') return null;
      throw error;
    }
  }

  /** While somebody stands before the meeting, what they are told of it stays true. */
  #keepLooking(): void {
    this.#timer = setTimeout(() => void this.#lookAgain(), LOOK_EVERY_MS);
  }

  async #lookAgain(): Promise<void> {
    const turn = this.#turn;
    // Unlike a first look, one that fails is forgotten: whoever presses "Join now" is told.
    const seen = document.hidden ? undefined : await this.#see().catch(() => undefined);
    if (turn !== this.#turn) return;
    const { value: phase } = this.#phase;
    if (phase.kind === 'missing' && seen) {
      this.#phase.set({ kind: 'before', ...seen, isJoining: false, problem: null });
      this.options.prepareEngine?.();
    } else if (phase.kind === 'before' && seen) this.#phase.set({ ...phase, ...seen });
    else if (phase.kind === 'before' && seen === null) this.#phase.set({ kind: 'missing', isStarting: false, problem: null });
    this.#keepLooking();
  }

  /** This person's other open connections, while in the meeting. */
  async elsewhere(): Promise<readonly OwnConnection[]> {
    const phase = this.#phase.value;
    return phase.kind === 'in' ? this.#elsewhere(phase.meeting.sender.id) : [];
  }

  async #elsewhere(mine?: string): Promise<readonly OwnConnection[]> {
    try {
      const kept = mine ?? this.options.tab.seat(this.meetingId)?.connectionId;
      return (await api.ownSeat(this.meetingId)).connections.filter((connection) => connection.state === 'open' && connection.id !== kept);
    } catch {
      return [];
    }
  }

  #out(why: OutReason, problem: Problem | null): void {
    this.#owesMute = false;
    this.#knocked = null;
    this.#next({ kind: 'out', why, problem });
    this.options.tab.forgetSeat(this.meetingId);
    this.options.devices.microphone.close();
    this.options.devices.camera.close();
  }

  /** Back on the page that asked, which says why; without an answer there is nothing to say but that. */
  #refuse(error: unknown, asked: Phase & { kind: 'missing' | 'before' }): void {
    const problem = problemOf(error);
    if (problem === null) return this.#fail(error, () => void this.look());
    this.#next(asked.kind === 'before' ? { ...asked, isJoining: false, problem } : { ...asked, isStarting: false, problem });
    this.#keepLooking();
  }

  /** A refusal is a page of its own; a server that cannot be reached is tried again by itself. */
  #fail(error: unknown, again: () => void): void {
    if (!isTransient(error)) return this.#out(OUT.get(problemCode(error)) ?? 'refused', problemOf(error));
    const waitS = (error instanceof ProblemError ? error.retryAfterS : null) ?? RETRY_S[Math.min(this.#tries, RETRY_S.length - 1)] ?? 8;
    this.#tries += 1;
    this.#next({ kind: 'unreachable', retryAt: this.options.now() + waitS * 1000 });
    this.#timer = setTimeout(again, waitS * 1000);
  }

  #next(phase: Phase): number {
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#turn += 1;
    this.#phase.set(phase);
    return this.#turn;
  }

  #closeLobby(): void {
    this.#lobby?.close();
    this.#lobby = null;
  }
}

/** Log what became of a create-or-get (LOG-1). */
export function sayCreated(meetingId: string, created: boolean): void {
  if (created) return say('Meeting created successfully', { meeting_id: meetingId });
  say('Meeting already exists, returning existing meeting', { meeting_id: meetingId });
  say('Found existing meeting instead', { meeting_id: meetingId });
}

function problemOf(error: unknown): Problem | null {
  return error instanceof ProblemError ? error.problem : null;
}
