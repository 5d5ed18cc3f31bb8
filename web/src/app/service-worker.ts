/** Keep the page's shell for when the network is gone (see public/sw.js). Only where the browser allows it. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  // Trusted Types take a script's address from a policy only; this one knows a single address.
  const policy = window.trustedTypes?.createPolicy('moot-worker', { createScriptURL: () => '/sw.js' });
  const url = policy ? policy.createScriptURL('') : '/sw.js';
  const register = (): void => void navigator.serviceWorker.register(url as string, { updateViaCache: 'none' }).catch(() => undefined);
  if (document.readyState === 'complete') register();
  else window.addEventListener('load', register, { once: true });
}
