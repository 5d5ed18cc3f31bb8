/** Opening this computer's camera, microphone and screen. No LiveKit, so that it runs before joining. */

export type DeviceKind = 'microphone' | 'camera';

/** Why a device could not be opened, by what cures it. `effect-failed`: it could, but what should cover its pictures could not. */
export type CaptureFault = 'denied' | 'denied-by-system' | 'missing' | 'busy' | 'insecure' | 'effect-failed' | 'unknown';

export class CaptureError extends Error {
  constructor(
    readonly fault: CaptureFault,
    cause?: unknown,
  ) {
    super(`capture failed: ${fault}`, { cause });
    this.name = 'CaptureError';
  }
}

/** Whether this page's address may use devices at all (W3C Secure Contexts). */
export function mayCapture(): boolean {
  return window.isSecureContext && 'mediaDevices' in navigator;
}

/** Tell why getUserMedia failed (W3C Media Capture and Streams, "getUserMedia()"). */
export function faultOf(error: unknown): CaptureFault {
  if (error instanceof CaptureError) return error.fault;
  if (!(error instanceof DOMException)) return 'unknown';
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return /system/i.test(error.message) ? 'denied-by-system' : 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unknown';
  }
}

async function open(constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
  if (!mayCapture()) throw new CaptureError('insecure');
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (!track) throw new CaptureError('missing');
    return track;
  } catch (error) {
    throw new CaptureError(faultOf(error), error);
  }
}

/** Open a camera: the one named if it is still there, otherwise the browser's choice. */
export function openCamera(deviceId: string, size: { width: number; height: number } = { width: 1280, height: 720 }): Promise<MediaStreamTrack> {
  const video = { width: { ideal: size.width }, height: { ideal: size.height }, frameRate: { ideal: 30 } };
  return open({ video: deviceId ? { ...video, deviceId: { ideal: deviceId } } : { ...video, facingMode: 'user' } });
}

/** Open a microphone with the browser's echo, noise and gain control. */
export function openMicrophone(deviceId: string, noiseSuppression = true): Promise<MediaStreamTrack> {
  const audio = { echoCancellation: true, noiseSuppression, autoGainControl: true };
  return open({ audio: deviceId ? { ...audio, deviceId: { ideal: deviceId } } : audio });
}

/** What W3C Screen Capture has added to the options since the compiler's own list of them was made. */
interface ScreenOptions extends DisplayMediaStreamOptions {
  readonly systemAudio: 'include' | 'exclude';
  readonly selfBrowserSurface: 'include' | 'exclude';
  readonly surfaceSwitching: 'include' | 'exclude';
}

/**
 * A whole screen offers its sound too; this very tab is not offered, which would be a hall of mirrors; another tab may be
 * taken without stopping. Music and films are sent as they are, where a voice would be filtered.
 */
const SCREEN: ScreenOptions = {
  video: { frameRate: { ideal: 30 } },
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  systemAudio: 'include',
  selfBrowserSurface: 'exclude',
  surfaceSwitching: 'include',
};

/** Ask which screen, window or tab to share. Null where the person has thought better of it. */
export async function openScreen(): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null } | null> {
  if (!mayShareScreen()) throw new CaptureError('missing');
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
    const [video] = stream.getVideoTracks();
    return video ? { video, audio: stream.getAudioTracks()[0] ?? null } : null;
  } catch (error) {
    const fault = faultOf(error);
    if (error instanceof DOMException && (error.name === 'AbortError' || (error.name === 'NotAllowedError' && fault === 'denied'))) return null;
    throw new CaptureError(fault, error);
  }
}

/** Phones cannot share their screen from a page. */
export function mayShareScreen(): boolean {
  return mayCapture() && 'getDisplayMedia' in navigator.mediaDevices;
}

export interface DeviceList {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly cameras: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
}

/** The devices the browser names; labels are empty until one was opened. */
export async function listDevices(): Promise<DeviceList> {
  const all = mayCapture() ? await navigator.mediaDevices.enumerateDevices() : [];
  const of = (kind: MediaDeviceKind): MediaDeviceInfo[] => all.filter((device) => device.kind === kind && device.deviceId !== '' && device.deviceId !== 'communications');
  return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
}

/** Call `listener` when a device is plugged in or out. */
export function onDevicesChanged(listener: () => void): () => void {
  if (!mayCapture()) return () => {};
  navigator.mediaDevices.addEventListener('devicechange', listener);
  return () => navigator.mediaDevices.removeEventListener('devicechange', listener);
}
