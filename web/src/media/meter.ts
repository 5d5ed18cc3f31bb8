/** How often a level is read, in milliseconds. Smaller looks livelier and costs more. */
const READ_EVERY_MS = 60;

/** Report the loudness of a track, 0 to 1 on a scale that suits speech, until the returned function is called. */
export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  // Before the first click a browser lets no AudioContext run, and says so on the console.
  if (!navigator.userActivation.hasBeenActive) {
    let end = (): void => {};
    const begin = (): void => {
      forget();
      end = meter(track, onLevel);
    };
    const forget = (): void => {
      window.removeEventListener('pointerup', begin);
      window.removeEventListener('keyup', begin);
    };
    window.addEventListener('pointerup', begin);
    window.addEventListener('keyup', begin);
    return () => {
      forget();
      end();
    };
  }
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (context.state === 'suspended') void context.resume();
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, READ_EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}

/** Turn samples in [-1, 1] into 0 (-60 dBFS and below) to 1 (-10 dBFS and above). */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}
