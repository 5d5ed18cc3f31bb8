// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest';
import { Text } from './text';

const slow = vi.hoisted(() => {
  let arrive = (): void => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  return { arrive, arrived };
});
vi.mock('./ar', async (load) => {
  await slow.arrived;
  return load();
});

it('speaks the language that was picked last, however late the words of another come', async () => {
  const text = new Text();
  const picks = [text.use('ar'), text.use('de')];
  await picks[1];
  slow.arrive();
  await Promise.all(picks);
  expect(text.language.value).toBe('de');
  expect(text.say.value('home.join')).toBe('Beitreten');
  expect([document.documentElement.lang, document.documentElement.dir]).toEqual(['de', 'ltr']);
  await text.use('ar');
  expect(text.language.value).toBe('ar');
});
