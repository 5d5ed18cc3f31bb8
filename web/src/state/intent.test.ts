import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProblemError, UnreachableError } from '../api/problem';
import { Live } from '../live';
import { Intent } from './intent';

/** A server that answers when told to. */
function slowServer(): { sent: boolean[]; answer: () => void; refuse: (error?: Error) => void; send: (on: boolean) => Promise<void> } {
  const sent: boolean[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  return {
    sent,
    answer: () => waiting.shift()?.resolve(),
    refuse: (error = new Error('no')) => waiting.shift()?.reject(error),
    send: (on) => {
      sent.push(on);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

const away = new UnreachableError();
const refused = (status: number, retryAfterS: number | null = null): ProblemError => new ProblemError({ type: '', title: '', status, detail: '', code: `status_${status}` }, retryAfterS);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.9);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('an intent', () => {
  it('EVENT-4: shows the press before the server has answered', () => {
    const server = slowServer();
    const intent = new Intent(new Live(false), server.send, () => {});
    intent.press(true);
    expect(intent.value.value).toBe(true);
    expect(server.sent).toEqual([true]);
  });

  it('EVENT-4: shows the server again when it refuses', async () => {
    const server = slowServer();
    const onFailure = vi.fn();
    const intent = new Intent(new Live(false), server.send, onFailure);
    intent.press(true);
    server.refuse();
    await settle();
    expect(intent.value.value).toBe(false);
    expect(onFailure).toHaveBeenCalledOnce();
  });

  it('EVENT-4: folds presses that come while one is on the way, and sends the last', async () => {
    const server = slowServer();
    const intent = new Intent(new Live(false), server.send, () => {});
    for (const on of [true, false, true, false]) intent.press(on);
    server.answer();
    await settle();
    expect(server.sent).toEqual([true, false]);
    expect(intent.value.value).toBe(false);
  });

  it('HOST-4: follows the server when a host switches it off', async () => {
    const server = slowServer();
    const said = new Live(false);
    const intent = new Intent(said, server.send, () => {});
    intent.press(true);
    server.answer();
    await settle();
    said.set(true);
    said.set(false);
    expect(intent.value.value).toBe(false);
  });

  it('HOST-4: follows a host whose mute is heard before the answer to the press it crossed', async () => {
    const server = slowServer();
    const said = new Live(false);
    const intent = new Intent(said, server.send, () => {});
    intent.press(true);
    said.set(true);
    said.set(false);
    server.answer();
    await settle();
    expect(intent.value.value).toBe(false);
    expect(intent.wasPressedHere).toBe(false);
  });

  it('goes back to off when "on" is refused, though the server has not shown yet that it is off', async () => {
    const server = slowServer();
    const said = new Live(true);
    const intent = new Intent(said, server.send, () => {});
    intent.press(false);
    server.answer();
    await settle();
    intent.press(true);
    server.refuse(refused(403));
    await settle();
    expect(intent.value.value).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(intent.value.value).toBe(false);
    said.set(false);
    said.set(true);
    expect(intent.value.value).toBe(true);
  });
});

describe('a press that fails', () => {
  it.each([away, refused(503), refused(429, 1)])('EVENT-4: is kept and sent again: %s', async (error) => {
    const server = slowServer();
    const onFailure = vi.fn();
    const said = new Live(true);
    const intent = new Intent(said, server.send, onFailure);
    const seen: boolean[] = [];
    intent.value.subscribe(() => seen.push(intent.value.value));
    intent.press(false);
    for (let times = 0; times < 5; times += 1) {
      server.refuse(error);
      await vi.advanceTimersByTimeAsync(12_000);
    }
    expect(server.sent).toEqual([false, false, false, false, false, false]);
    server.answer();
    await settle();
    said.set(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual([false]);
    expect(server.sent).toHaveLength(6);
    expect(onFailure).toHaveBeenCalledOnce();
  });

  it('waits as long as the server says', async () => {
    const server = slowServer();
    const intent = new Intent(new Live(true), server.send, () => {});
    intent.press(false);
    server.refuse(refused(429, 30));
    await vi.advanceTimersByTimeAsync(29_900);
    expect(server.sent).toEqual([false]);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(server.sent).toEqual([false, false]);
  });

  it('is sent at once when the server is back', async () => {
    const server = slowServer();
    const intent = new Intent(new Live(true), server.send, () => {});
    intent.press(false);
    server.refuse(away);
    await settle();
    intent.retryNow();
    await settle();
    expect(server.sent).toEqual([false, false]);
  });

  it('gives way to a later one', async () => {
    const server = slowServer();
    const intent = new Intent(new Live(false), server.send, () => {});
    intent.press(true);
    server.refuse(away);
    await settle();
    intent.press(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.sent).toEqual([true, false]);
    expect(intent.value.value).toBe(false);
  });

  it.each([true, false])('HOST-4: is not sent over a host\'s mute where only its answer was lost, before the event: %s', async (isLostFirst) => {
    const server = slowServer();
    const said = new Live(false);
    const intent = new Intent(said, server.send, () => {});
    intent.press(true);
    if (isLostFirst) server.refuse(away);
    await settle();
    said.set(true);
    said.set(false);
    if (!isLostFirst) server.refuse(away);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sent).toEqual([true]);
    expect(intent.value.value).toBe(false);
  });

  it('is sent no more after the meeting is left', async () => {
    const server = slowServer();
    const intent = new Intent(new Live(true), server.send, () => {});
    intent.press(false);
    server.refuse(away);
    await settle();
    intent.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sent).toEqual([false]);
  });

  it('never makes "off" into "on", even where the server refuses for good', async () => {
    const server = slowServer();
    const onFailure = vi.fn();
    const intent = new Intent(new Live(true), server.send, onFailure);
    intent.press(false);
    server.refuse(refused(410));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(intent.value.value).toBe(false);
    expect(server.sent).toEqual([false]);
    expect(onFailure).toHaveBeenCalledOnce();
  });
});

describe('an "off" whose event is late', () => {
  it('EVENT-4: is believed until the server shows it', async () => {
    const server = slowServer();
    const said = new Live(true);
    const intent = new Intent(said, server.send, () => {});
    intent.press(false);
    server.answer();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(intent.value.value).toBe(false);
    said.set(false);
    expect(intent.pending.value).toBeNull();
    said.set(true);
    expect(intent.value.value).toBe(true);
  });

  it('EVENT-4: is not undone by the event of the "on" before it, which is one\'s own too', async () => {
    const server = slowServer();
    const said = new Live(false);
    const intent = new Intent(said, server.send, () => {});
    const seen: boolean[] = [];
    intent.value.subscribe(() => seen.push(intent.value.value));
    for (const on of [true, false]) {
      intent.press(on);
      server.answer();
      await settle();
    }
    for (const on of [true, false]) {
      said.set(on);
      expect(intent.wasPressedHere).toBe(true);
    }
    expect(seen).toEqual([true, false]);
    expect(intent.pending.value).toBeNull();
  });
});
