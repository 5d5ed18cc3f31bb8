import { describe, expect, it, vi } from 'vitest';
import { Live } from '../live';
import { Intent } from './intent';

/** A server that answers when told to. */
function slowServer(): { sent: boolean[]; answer: () => void; refuse: () => void; send: (on: boolean) => Promise<void> } {
  const sent: boolean[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  return {
    sent,
    answer: () => waiting.shift()?.resolve(),
    refuse: () => waiting.shift()?.reject(new Error('no')),
    send: (on) => {
      sent.push(on);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

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
});
