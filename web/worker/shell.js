// The service worker: keeps the page's shell, so that it opens without a network and says what is wrong. It never
// keeps an answer of the API, and never comes between the page and its sockets.
const SHELL = ['%FILES%'];
const CACHE = 'moot-shell-%VERSION%';

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith('moot-shell-') && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    // A page's address has one part; deeper ones are the API's and its documentation's.
    if (url.pathname.split('/').filter(Boolean).length < 2) event.respondWith(fetch(request).catch(() => shell('/')));
    return;
  }
  if (url.pathname.startsWith('/assets/')) event.respondWith(shell(url.pathname).then((kept) => kept ?? fetch(request)));
});

async function shell(path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  return kept ?? (path === '/' ? Response.error() : undefined);
}
