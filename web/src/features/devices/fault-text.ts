import type { CaptureFault } from '../../media/capture';
import type { TextKey } from '../../text/keys';

/** The sentence with the cure for what is wrong with a device, which may be on all the same. */
export function faultText(kind: 'microphone' | 'camera', fault: CaptureFault, isOn: boolean): TextKey {
  const isCamera = kind === 'camera';
  switch (fault) {
    case 'denied':
      return isCamera ? 'device.deniedCamera' : 'device.deniedMicrophone';
    case 'denied-by-system':
      return 'device.deniedSystem';
    case 'missing':
      return isCamera ? 'device.missingCamera' : 'device.missingMicrophone';
    case 'busy':
      return isCamera ? 'device.busyCamera' : 'device.busyMicrophone';
    case 'insecure':
      return 'device.insecure';
    case 'effect-failed':
      return isOn ? 'device.blurFailedOn' : 'device.blurFailed';
    default:
      return 'device.unknown';
  }
}
