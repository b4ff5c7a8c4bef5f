import '../support/on-nats.ts';
import { expect } from '@jest/globals';
import { Server, message, setTheStage, shows, twoPeople, write } from '../browser/stage.ts';
import { requires } from '../support/requires.ts';

const test = requires('chromium');
setTheStage();

test('two people in a browser say 안녕 and hi, and see each once, even after a reload', async () => {
  const { henry, jjeong } = await twoPeople(await Server.start());

  await write(henry, '안녕');
  await shows(jjeong, '안녕');
  await write(jjeong, 'hi');
  await shows(henry, 'hi');
  await Promise.all([henry.reload(), jjeong.reload()]);
  await write(henry, 'marker');
  await Promise.all([shows(henry, 'marker'), shows(jjeong, 'marker')]);

  for (const page of [henry, jjeong]) {
    for (const text of ['안녕', 'hi', 'marker']) {
      await shows(page, text); // a new message of one's own appears before the history
      expect(await message(page, text).count()).toBe(1);
    }
  }
});
