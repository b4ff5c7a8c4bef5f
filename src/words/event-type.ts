const FORM = /^[A-Za-z0-9._-]{1,64}$/;
const OURS = new Set('message open error gap presence typing sent delivered read bye ready ping'.split(' '));

/** Whether a foreign event may keep its type: one with a meaning for an EventSource or for our pages is not allowed. */
export function isForeignType(type: string): boolean {
  return FORM.test(type) && !OURS.has(type);
}
