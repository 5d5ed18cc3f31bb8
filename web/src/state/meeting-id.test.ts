import { describe, expect, it } from 'vitest';
import { groupMeetingId, meetingPath, parseMeetingId } from './meeting-id';

describe('a Meeting ID', () => {
  it.each(['abc-123', ' ABC 123 ', 'ABC123', 'a b c 1 2 3', 'abc\u2013123'])('MEET-1: %j is ABC123', (text) => {
    expect(parseMeetingId(text)).toEqual({ id: 'ABC123' });
  });

  it.each([
    'https://meet.example.org/abc-123',
    'http://localhost:3000/ABC-123?x=1#y',
    'meet.example.org/abc-123/',
    'localhost:3000/ABC%20123',
    '/abc-123',
  ])('MEET-1: the link %j names ABC123', (text) => {
    expect(parseMeetingId(text)).toEqual({ id: 'ABC123' });
  });

  it('MEET-1: says what is wrong with anything else', () => {
    expect(parseMeetingId('  ')).toEqual({ fault: 'empty' });
    expect(parseMeetingId('ab')).toEqual({ fault: 'short' });
    expect(parseMeetingId('a'.repeat(65))).toEqual({ fault: 'long' });
    expect(parseMeetingId('caf\u00e9')).toEqual({ fault: 'characters' });
    expect(parseMeetingId('stra\u00dfe')).toEqual({ fault: 'characters' });
    expect(parseMeetingId('%E0%A4%A')).toEqual({ fault: 'characters' });
  });

  it('MEET-5: shows made ids in groups and chosen words whole', () => {
    expect(groupMeetingId('BCDF23456789')).toBe('BCDF 2345 6789');
    expect(groupMeetingId('ABC123')).toBe('ABC 123');
    expect(groupMeetingId('WEEKLYPLAN')).toBe('WEEKLYPLAN');
    expect(meetingPath('BCDF23456789')).toBe('/BCDF23456789');
    expect(parseMeetingId(meetingPath('BCDF23456789'))).toEqual({ id: 'BCDF23456789' });
  });
});
