import { useCallback, useSyncExternalStore } from 'react';
import type { ReadLive } from '../live';

/** Draw a live value, and draw it again when it changes. */
export function useLive<T>(live: ReadLive<T>): T {
  const subscribe = useCallback((listener: () => void) => live.subscribe(listener), [live]);
  return useSyncExternalStore(subscribe, () => live.value);
}
