import type { TextKey } from './keys';

/** Why a connection is weak, in words; the causes are those of docs/protocol/realtime.md, `quality`. */
export function poorText(cause: string): TextKey {
  switch (cause) {
    case 'loss':
      return 'tile.poorLoss';
    case 'delay':
      return 'tile.poorDelay';
    case 'jitter':
      return 'tile.poorJitter';
    case 'bandwidth':
      return 'tile.poorBandwidth';
    default:
      return 'tile.poor';
  }
}
