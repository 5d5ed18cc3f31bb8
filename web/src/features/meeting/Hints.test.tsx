// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it, vi } from 'vitest';
import { Live } from '../../live';
import { aParticipant } from '../../protocol/samples';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import { pageMemory, Preferences } from '../../state/preferences';
import type { Seat } from '../../state/seat';
import { en } from '../../text/en';
import { Hints } from './Hints';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

it('tells who sees and hears nobody for want of the program that a reload may bring it, for as long as that is so', async () => {
  const isWithoutProgram = new Live(false);
  const meeting = { me: new Live(aParticipant()), qualities: new Live(new Map()), self: { microphone: { value: new Live(true) } }, media: { engine: new Live(null), isWithoutProgram } } as unknown as MeetingModel;
  const device = { raw: new Live(null), fault: new Live(null) };
  const page = { preferences: new Preferences(pageMemory()), devices: { microphone: device, camera: device } } as unknown as Page;
  const place = document.createElement('div');
  const alert = (): string | undefined => place.querySelector('[role=alert] > span')?.textContent;
  await act(async () => createRoot(place).render(<Hints page={page} seat={{} as Seat} meeting={meeting} />));
  expect(alert()).toBeUndefined();
  await act(async () => isWithoutProgram.set(true));
  expect(alert()).toBe(en['meeting.noMedia']);
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  await act(async () => place.querySelector('button')?.click());
  expect(reload).toHaveBeenCalled();
  await act(async () => isWithoutProgram.set(false));
  expect(alert()).toBeUndefined();
});
