import * as api from '../api/meetings';
import type { Sender } from '../api/call';
import { ProblemError } from '../api/problem';
import { derive, type ReadLive } from '../live';
import type { Participant, Source } from '../protocol/objects';
import type { DurableEvent } from '../protocol/stream';
import type { MeetingState } from '../realtime/reducer';
import type { Notices } from './notices';

/** What hosts do: each a command that the server judges (HOST-4). Failures become a notice, never a silence. */
export class Hosting {
  /** Who waits in the lobby, first come first. Empty for guests. */
  readonly waiting: ReadLive<readonly Participant[]>;
  readonly removed: ReadLive<readonly Participant[]>;
  readonly #knocks = new Map<string, () => void>();

  constructor(
    private readonly meetingId: string,
    private readonly sender: Sender,
    private readonly state: ReadLive<MeetingState>,
    private readonly notices: Notices,
  ) {
    const of = (status: Participant['status']): ReadLive<readonly Participant[]> =>
      derive(
        [state],
        ({ participants }) => [...participants.values()].filter((person) => person.status === status).toSorted((a, b) => a.joined_at - b.joined_at),
        (a, b) => a.length === b.length && a.every((person, index) => person === b[index]),
      );
    this.waiting = of('waiting');
    this.removed = of('removed');
  }

  readonly admit = (id: string): Promise<boolean> => this.#ask(() => api.admit(this.meetingId, this.sender, id));
  readonly deny = (id: string): Promise<boolean> => this.#ask(() => api.deny(this.meetingId, this.sender, id));
  readonly admitAll = (): Promise<boolean> => this.#ask(() => api.admitAll(this.meetingId, this.sender));
  readonly switchOff = (id: string, sources: readonly Source[]): Promise<boolean> => this.#ask(() => api.switchOff(this.meetingId, this.sender, id, sources));
  readonly muteAll = (): Promise<boolean> => this.#ask(() => api.muteAll(this.meetingId, this.sender));
  readonly setRole = (id: string, role: 'host' | 'guest'): Promise<boolean> => this.#ask(() => api.setRole(this.meetingId, this.sender, id, role));
  readonly lowerHand = (id: string): Promise<boolean> => this.#ask(() => api.lowerHand(this.meetingId, this.sender, id));
  readonly restore = (id: string): Promise<boolean> => this.#ask(() => api.restore(this.meetingId, this.sender, id));
  readonly end = (): Promise<boolean> => this.#ask(() => api.endMeeting(this.meetingId, this.sender, this.state.value.meeting.run));

  /** Remove somebody, with a way to take it back. */
  readonly remove = async (id: string): Promise<boolean> => {
    const person = this.state.value.participants.get(id);
    const isDone = await this.#ask(() => api.remove(this.meetingId, this.sender, id));
    if (isDone && person) {
      this.notices.show('notice.removed', { values: { name: person.label }, forS: 10, action: { text: 'notice.undo', run: () => void this.restore(id) } });
    }
    return isDone;
  };

  readonly change = (change: api.SettingsChange): Promise<boolean> => this.#ask(() => this.save(change));

  /** Change settings as they are now; where another host was first, once more on top of theirs. Says no failure: that is the caller's. */
  readonly save = async (change: api.SettingsChange): Promise<void> => {
    const { version } = this.state.value.meeting;
    try {
      await api.changeMeeting(this.meetingId, this.sender, version, change);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'precondition_failed') throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await api.changeMeeting(this.meetingId, this.sender, this.state.value.meeting.version, change);
    }
  };

  /** A knock stays on show for every host until one of them has answered it. */
  handle(event: DurableEvent): void {
    if (!event.kind.startsWith('lobby.') || event.kind === 'hidden' || !('participant' in event.body)) return;
    const { participant } = event.body;
    this.#knocks.get(participant.id)?.();
    this.#knocks.delete(participant.id);
    if (event.kind !== 'lobby.knocked') return;
    const dismiss = this.notices.show('notice.knock', {
      values: { name: participant.label },
      tone: 'knock',
      forS: 0,
      action: { text: 'notice.admit', run: () => void this.admit(participant.id) },
    });
    this.#knocks.set(participant.id, dismiss);
  }

  async #ask(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      const isLastHost = error instanceof ProblemError && error.code === 'last_host';
      this.notices.show(isLastHost ? 'notice.lastHost' : 'notice.notSaved', { tone: 'warning', topic: 'hosting' });
      return false;
    }
  }
}
