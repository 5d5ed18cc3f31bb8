/** The three sounds of moot, made and not recorded: two soft tones for arriving and leaving, and a knock. */

interface Tone {
  readonly hertz: number;
  readonly atS: number;
  readonly forS: number;
  readonly gain: number;
}

/** Play tones on a context of their own, let go of when they have faded. */
function play(tones: readonly Tone[]): void {
  // Before the first click a browser plays nothing, and says so on the console: a sound that comes late is worse than none.
  if (!navigator.userActivation.hasBeenActive) return;
  const context = new AudioContext();
  const endS = Math.max(...tones.map((tone) => tone.atS + tone.forS));
  setTimeout(() => void context.close(), endS * 1000 + 200);
  for (const tone of tones) {
    const from = context.currentTime + tone.atS;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(tone.gain, from + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, from + tone.forS);
    const oscillator = context.createOscillator();
    oscillator.frequency.value = tone.hertz;
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(from + tone.forS);
  }
}

export function playArrival(): void {
  play([{ hertz: 523, atS: 0, forS: 0.25, gain: 0.05 }, { hertz: 659, atS: 0.09, forS: 0.35, gain: 0.05 }]);
}

export function playLeaving(): void {
  play([{ hertz: 659, atS: 0, forS: 0.25, gain: 0.04 }, { hertz: 523, atS: 0.09, forS: 0.35, gain: 0.04 }]);
}

/** The only insistent one: somebody waits at the door. */
export function playKnock(): void {
  play([0, 0.16, 0.5, 0.66].map((atS) => ({ hertz: 294, atS, forS: 0.14, gain: 0.14 })));
}

/** Three rising tones, to hear whether the speaker works. */
export function playSpeakerTest(): void {
  play([392, 494, 587].map((hertz, index) => ({ hertz, atS: index * 0.22, forS: 0.4, gain: 0.12 })));
}
