/**
 * Records what was accepted and what arrived. Every message must arrive exactly once, and in order per sender. The key
 * of a message is `<sender>.<number>`; its text begins with the key.
 */
const TEXT_BYTES = 100;

/** @param {string} sender @param {string} receiver @param {number} number */
export function messageJson(sender, receiver, number) {
  const key = `${sender}.${number}`;
  return `{"sender":"${sender}","receiver":"${receiver}","message":"${textOf(key)}","key":"${key}"}`;
}

/** @param {string} key */
export function textOf(key) {
  return `${key} `.padEnd(TEXT_BYTES, '.');
}

/** The key in an event's data, which is one line of JSON. @param {string} data */
export function keyIn(data) {
  const from = data.indexOf('"key":"') + '"key":"'.length;
  const key = data.slice(from, data.indexOf('"', from));
  if (!data.includes(`"message":"${key} `)) throw new Error(`not the message that was sent: ${data}`);
  return key;
}

export class Ledger {
  accepted = 0;
  delivered = 0;
  twice = 0;
  disordered = 0;
  /** @type {Map<string, { accepted: number, next: number, missing: Set<number> }>} */
  #senders = new Map();
  #expected = Infinity;
  #whenDelivered = () => {};

  /** @param {string} sender */
  accept(sender) {
    this.accepted += 1;
    this.#of(sender).accepted += 1;
  }

  /** @param {string} key */
  deliver(key) {
    const dot = key.lastIndexOf('.');
    const sender = this.#of(key.slice(0, dot));
    const number = Number(key.slice(dot + 1));
    if (number >= sender.next) {
      for (let n = sender.next; n < number; n += 1) sender.missing.add(n);
      sender.next = number + 1;
    } else if (sender.missing.delete(number)) this.disordered += 1;
    else {
      this.twice += 1;
      return;
    }
    this.delivered += 1;
    if (this.delivered >= this.#expected) this.#whenDelivered();
  }

  /** Resolves when everything that was accepted has arrived, or when the time is over. @param {number} limitMs */
  async settled(limitMs) {
    if (this.delivered >= this.accepted) return;
    this.#expected = this.accepted;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#whenDelivered = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** How many messages went wrong, by what went wrong. */
  get faults() {
    let lost = 0;
    for (const { accepted, next, missing } of this.#senders.values())
      lost += missing.size + Math.max(0, accepted - next);
    return { lost, twice: this.twice, disordered: this.disordered };
  }

  /** @param {string} name */
  #of(name) {
    let sender = this.#senders.get(name);
    if (!sender) {
      sender = { accepted: 0, next: 0, missing: new Set() };
      this.#senders.set(name, sender);
    }
    return sender;
  }
}
