import type { Address } from '../state/page';

/** The browser's own address bar and history. */
export function browserAddress(): Address {
  return {
    path: () => location.pathname,
    go(path, replaces) {
      if (replaces) history.replaceState(null, '', path);
      else if (path !== location.pathname) history.pushState(null, '', path);
    },
    onBack(listener) {
      window.addEventListener('popstate', listener);
    },
  };
}
