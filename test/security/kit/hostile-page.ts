/**
 * What another site's page can make a browser do to each endpoint. When all of that has ended, the page's `done` resolves
 * to what the page could read or see succeed.
 */
export const TARGETS: readonly string[] = [
  '/messages?sender=henry&receiver=jjeong&message=forged',
  '/messages.html?sender=henry&receiver=jjeong&message=forged',
  '/status?receiver=henry',
  '/status.html?f=henry.txt',
  '/status?receiver=henry&since=all',
  '/history?receiver=henry&sender=jjeong',
  '/people?receiver=henry',
];

/** The paths that send a message. */
export const SENDING = TARGETS.slice(0, 2);

/** The paths for a POST, with fields that a form can send. */
export const POSTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/messages': { sender: 'henry', receiver: 'jjeong', message: 'forged' },
  '/messages?sender=henry&receiver=jjeong': { message: 'forged' },
  '/receipts': { receiver: 'henry', sender: 'jjeong', read: '0-0' },
  '/typing': { sender: 'henry', receiver: 'jjeong' },
  '/session': { key: 'guessed' },
};

/** The ways in which the page asks. `settled` counts them, so that a test notices if one was left out. */
const SCRIPT = `
const leaks = [];
const tries = [];
const attempt = (what, promise) => tries.push(promise.then((leak) => leak && leaks.push(what + ': ' + leak), () => undefined));
const element = (name, attributes) => new Promise((resolve) => {
  const made = Object.assign(document.createElement(name), attributes);
  made.onload = () => resolve(name === 'iframe' ? frameText(made) : 'it loaded');
  made.onerror = () => resolve();
  document.body.append(made);
});
const frameText = (frame) => { try { return frame.contentDocument.body.innerText; } catch { return; } };
const readable = async (response) => response.type === 'opaque' ? undefined : await response.text();
const deaf = (source) => new Promise((resolve) => {
  source.onopen = () => resolve('it opened');
  source.onmessage = ({ data }) => resolve(data);
  source.onerror = () => { source.close(); resolve(); };
});
const submit = (action, method, enctype, fields) => new Promise((resolve) => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
  const form = Object.assign(document.createElement('form'), { action, method, enctype, target: frame.name });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement('input'), { name, value }));
  }
  document.body.append(frame, form);
  frame.onload = () => resolve(frameText(frame));
  form.submit();
});
for (const target of targets) {
  const url = chat + target;
  attempt('img ' + target, element('img', { src: url + '&by=img' }));
  attempt('script ' + target, element('script', { src: url + '&by=script' }));
  attempt('stylesheet ' + target, element('link', { rel: 'stylesheet', href: url + '&by=stylesheet' }));
  attempt('video ' + target, element('video', { src: url + '&by=video' }));
  attempt('iframe ' + target, element('iframe', { src: url + '&by=iframe' }));
  document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href: url + '&by=prefetch' }));
  document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'fetch', href: url + '&by=preload' }));
  attempt('fetch ' + target, fetch(url + '&by=fetch').then(readable));
  attempt('no-cors ' + target, fetch(url + '&by=no-cors', { mode: 'no-cors', credentials: 'include' }).then(readable));
  attempt('cors ' + target, fetch(url + '&by=credentials', { credentials: 'include' }).then(readable));
  attempt('HEAD ' + target, fetch(url + '&by=head', { method: 'HEAD', mode: 'no-cors' }).then(readable));
  attempt('EventSource ' + target, deaf(new EventSource(url + '&by=eventsource', { withCredentials: true })));
  attempt('WebSocket ' + target, deaf(new WebSocket(url.replace('http', 'ws') + '&by=websocket')));
  const [path, query] = target.split('?');
  attempt('GET form ' + target, submit(chat + path, 'GET', '', { ...Object.fromEntries(new URLSearchParams(query)), by: 'form' }));
}
for (const [target, fields] of Object.entries(posted)) {
  const url = chat + target;
  for (const enctype of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']) {
    attempt(enctype + ' ' + target, submit(url, 'POST', enctype, fields));
  }
  // A form whose only field looks like JSON.
  const json = JSON.stringify({ ...fields, pad: '' });
  attempt('JSON form ' + target, submit(url, 'POST', 'text/plain', { [json.slice(0, -2)]: json.slice(-2) }));
  attempt('beacon ' + target, Promise.resolve(void navigator.sendBeacon(url, new Blob([json], { type: 'text/plain' }))));
  attempt('no-cors POST ' + target, fetch(url, { method: 'POST', mode: 'no-cors', body: json }).then(readable));
  attempt('text POST ' + target, fetch(url, { method: 'POST', body: 'forged', headers: { 'Content-Type': 'text/plain' } }).then(readable));
  attempt('JSON POST ' + target, fetch(url, { method: 'POST', body: json, headers: { 'Content-Type': 'application/json' } }).then(readable));
  attempt('keyed POST ' + target, fetch(url, { method: 'POST', body: json, headers: { Authorization: 'Bearer x' } }).then(readable));
  attempt('PUT ' + target, fetch(url, { method: 'PUT', body: json }).then(readable));
}
done = Promise.all(tries).then(() => leaks);
`;

export function hostilePage(chat: string, targets = TARGETS): string {
  const known = `const chat = ${JSON.stringify(chat)}, targets = ${JSON.stringify(targets)}, posted = ${JSON.stringify(POSTED)};`;
  return `<!doctype html><meta charset=utf-8><title>Free kittens</title><body><script>let done; ${known} ${SCRIPT}</script>`;
}
