import { expect, it } from 'vitest';
import { initialsOf } from './Avatar';

it('initials are what people would write, in any script', () => {
  expect(initialsOf('Test User')).toBe('TU');
  expect(initialsOf('ana')).toBe('A');
  expect(initialsOf('Ana (2)')).toBe('A');
  expect(initialsOf('Juan Carlos de la Cruz')).toBe('JC');
  expect(initialsOf('山田太郎')).toBe('山');
  expect(initialsOf('👩‍💻 Kim')).toBe('👩‍💻K');
  expect(initialsOf('<script>')).toBe('S');
  expect(initialsOf('...')).toBe('');
});
