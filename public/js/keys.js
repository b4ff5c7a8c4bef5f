/** A new idempotency key. Not `randomUUID`: that one is missing on plain-http addresses of a local network. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
