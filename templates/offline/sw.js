// Shows that there is no connection, and the pages that the member keeps on this device. Stores no page by itself, and
// leaves everything alone but GET navigations to members' pages, and the files of the pages it shows.
const PLACES = {{ places|safe }}, ELSEWHERE = {{ elsewhere|safe }};
const CARD = {{ card|safe }}, OFFLINE = {{ offline|safe }}, ASSETS = {{ assets|safe }}, ICON = {{ icon|safe }};
const FILES = 'offline-{{ version }}', KEPT = 'kept', PATIENCE = 3000;

const stored = path => caches.match(path, { cacheName: FILES, ignoreVary: true });

// What the member kept, until its time is over: then it is deleted.
const kept = async path => {
  const copy = await caches.match(path, { cacheName: KEPT, ignoreVary: true });
  if (!copy || Number(copy.headers.get('X-Kept-Until')) > Date.now()) return copy;
  await (await caches.open(KEPT)).delete(path, { ignoreVary: true });
};

// The page from the portal, and without a connection the one that is kept. A desk does not wait for the card: after
// three seconds, or when the portal is in trouble, the kept one is shown.
const page = async (event, path) => {
  const asked = fetch(event.request);
  try {
    if (path !== CARD) return await asked;
    event.waitUntil(asked.catch(() => {}));
    const late = new Promise(done => setTimeout(done, PATIENCE)).then(() => kept(CARD));
    const first = await Promise.race([asked, late]) || await asked;
    return first.status >= 500 ? await kept(CARD) || first : first;
  } catch {
    return await kept(path) || await stored(OFFLINE) || Response.error();
  }
};

const file = async request => {
  try {
    return await fetch(request);
  } catch (error) {
    const there = await stored(new URL(request.url).pathname);
    if (there) return there;
    throw error;
  }
};

self.addEventListener('install', event => event.waitUntil((async () => {
  await (await caches.open(FILES)).addAll([OFFLINE, ...ASSETS]);
  await self.skipWaiting();
})()));

// It does not claim the pages that are open: that would take those out of the back/forward cache.
self.addEventListener('activate', event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== FILES && name !== KEPT) await caches.delete(name);
})()));

self.addEventListener('fetch', event => {
  const { request } = event, url = new URL(request.url), path = url.pathname;
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (ASSETS.includes(path)) event.respondWith(file(request));
  if (request.mode !== 'navigate' || !path.endsWith('/') || ELSEWHERE.includes(path)) return;
  if (PLACES.some(place => path.startsWith(place))) event.respondWith(page(event, path));
});

// A message from the portal, if the member chose them on this device. A press leads to the page that it is about.
self.addEventListener('push', event => {
  const { title, text, path, tag } = event.data.json();
  event.waitUntil(self.registration.showNotification(title, { body: text, tag, icon: ICON, data: path }));
});

const show = async path => {
  const there = (await self.clients.matchAll({ type: 'window', includeUncontrolled: true }))
    .find(each => new URL(each.url).pathname === path);
  return there ? there.focus() : self.clients.openWindow(path);
};

self.addEventListener('notificationclick', event => {
  event.notification.close();
  const target = new URL(event.notification.data, location.origin);
  if (target.origin === location.origin) event.waitUntil(show(target.pathname + target.search));
});
