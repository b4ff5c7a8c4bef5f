import { afterEach, beforeEach, describe } from '@jest/globals';
import { describeAppending } from './contract/appending.ts';
import { describeForeignMail } from './contract/foreign-mail.ts';
import { describeForgetting } from './contract/forgetting.ts';
import { describeKeys } from './contract/keys.ts';
import { describeLive } from './contract/live.ts';
import { describeMarksAndRings } from './contract/marks-and-rings.ts';
import { describeOneOrder } from './contract/one-order.ts';
import type { Ability, OpenStore } from './contract/open-store.ts';
import { describeOpeningAndClosing } from './contract/opening-and-closing.ts';
import { describeReading } from './contract/reading.ts';
import { describeSeveralProcesses } from './contract/several-processes.ts';

/** The contract of every store, wherever it keeps its mail, and of each ability that it claims. */
export function describeMailboxStore(
  name: string,
  open: () => Promise<OpenStore>,
  abilities: readonly Ability[] = [],
): void {
  describe(name, () => {
    let place: OpenStore;

    beforeEach(async () => {
      place = await open();
    });

    afterEach(() => place.remove());

    const opened = (): OpenStore => place;
    const has = (ability: Ability): boolean => abilities.includes(ability);

    describeAppending(opened);
    describeReading(opened);
    describeKeys(opened);
    describeMarksAndRings(opened);
    describeOpeningAndClosing(opened);

    if (has('forget')) describeForgetting(opened);
    if (has('foreign mail')) describeForeignMail(opened);
    if (has('one order')) describeOneOrder(opened, has);
    if (has('several processes')) describeSeveralProcesses(opened);
    if (has('live')) describeLive(opened);
  });
}
