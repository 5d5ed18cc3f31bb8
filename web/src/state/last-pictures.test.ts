import { describe, expect, it } from 'vitest';
import type { PersonMedia, Picture } from '../media/port';
import { aParticipant } from '../protocol/samples';
import { HELD_MS, LastPictures } from './last-pictures';

const face: Picture = { id: 'face', attach: () => () => {} };
const arriving: PersonMedia = { camera: face, screens: [], level: 0, quality: 'good' };
const nothing: PersonMedia = { ...arriving, camera: null };
const ana = aParticipant({ video: true });

describe('the last picture', () => {
  it('JOIN-10: stays while the link is made anew, for a while', () => {
    const pictures = new LastPictures();
    pictures.handle(ana, arriving, 0);
    expect(pictures.handle(ana, nothing, 10).camera).toBe(face);
    expect(pictures.isHolding).toBe(true);
    expect(pictures.handle(ana, nothing, 10 + HELD_MS).camera).toBeNull();
  });

  it('JOIN-4: stays as long as the person is reconnecting', () => {
    const pictures = new LastPictures();
    pictures.handle(ana, arriving, 0);
    expect(pictures.handle({ ...ana, status: 'reconnecting' }, nothing, 10 * HELD_MS).camera).toBe(face);
  });

  it('EVENT-4: goes at once when the camera is switched off, and does not come back by itself', () => {
    const pictures = new LastPictures();
    pictures.handle(ana, arriving, 0);
    expect(pictures.handle({ ...ana, video: false }, arriving, 1).camera).toBeNull();
    expect(pictures.handle(ana, nothing, 2).camera).toBeNull();
  });

  it('a new picture takes the place of the held one', () => {
    const pictures = new LastPictures();
    const later: Picture = { ...face, id: 'later' };
    pictures.handle(ana, arriving, 0);
    pictures.handle(ana, nothing, 1);
    expect(pictures.handle(ana, { ...arriving, camera: later }, 2).camera).toBe(later);
    expect(pictures.isHolding).toBe(false);
  });
});
