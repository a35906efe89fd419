// Keeps the membership card readable without a signal. Nothing else of the portal passes through here.
const PAGE = {{ page|safe }}, STATIC = {{ static|safe }}, ASSETS = {{ assets|safe }};
const KEPT = 'card', FILES = 'card-files-{{ version }}', PATIENCE = 3000;

// What the server says of the card is kept as it is; who may not see it (any more) finds nothing kept.
const keep = async answer => {
  const cache = await caches.open(KEPT);
  if (answer.ok && answer.type === 'basic' && !answer.redirected) await cache.put(PAGE, answer.clone());
  else if (answer.status < 500) await cache.delete(PAGE);
  return answer;
};
const ask = () => fetch(PAGE, { credentials: 'same-origin', redirect: 'manual', cache: 'no-store' }).then(keep);
const kept = async () => (await caches.open(KEPT)).match(PAGE);

// The newest card if the network gives it in time, otherwise the one that was opened last.
const card = async event => {
  const fresh = ask();
  event.waitUntil(fresh.catch(() => {}));
  const late = new Promise(done => setTimeout(done, PATIENCE)).then(kept);
  try {
    const first = await Promise.race([fresh, late]) || await fresh;
    return first.status >= 500 ? await kept() || first : first;
  } catch {
    return await kept() || Response.error();
  }
};

// Hashed names never change their content; others are asked for first.
const file = async request => {
  const cache = await caches.open(FILES), there = await cache.match(request);
  if (there && /\.[0-9a-f]{12}\./.test(request.url)) return there;
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (there) return there;
    throw error;
  }
};

self.addEventListener('install', event => event.waitUntil((async () => {
  await (await caches.open(FILES)).addAll(ASSETS);
  await ask();
  await self.skipWaiting();
})()));

self.addEventListener('activate', event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith('card-files-') && name !== FILES) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener('fetch', event => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate' && url.pathname === PAGE) event.respondWith(card(event));
  else if (url.pathname.startsWith(STATIC)) event.respondWith(file(request));
});
