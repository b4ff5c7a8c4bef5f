const FORM = /^[A-Za-z0-9._-]{1,64}$/;
const OURS = new Set('message open error gap presence typing sent delivered read bye ready ping'.split(' '));

/** Whether an event of somebody else's may keep its type: not one that an EventSource or our pages take for something else. */
export function isForeignType(type: string): boolean {
  return FORM.test(type) && !OURS.has(type);
}
