import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from './scene.ts';
import { post, type Post } from './sender.ts';

const toCarol = { sender: 'dora', receiver: 'carol' };
const secrets = new WeakMap<Scene, readonly Post[]>();

/** Two messages to carol, of which one will be edited and one removed. */
export async function saySecrets(scene: Scene): Promise<void> {
  const changes: Post[] = [];
  for (const event of ['edit', 'remove']) {
    const { body } = await post(scene.port, { ...toCarol, message: `to ${event}: "a secret"` });
    const said = event === 'edit' ? { message: 'the new text' } : {};
    changes.push({ ...toCarol, event, of: body.id!, key: event, ...said });
  }
  secrets.set(scene, changes);
}

/** Sends each change again until it is accepted or the server is dead. */
export async function changeSecrets(scene: Scene): Promise<void> {
  for (const change of secrets.get(scene)!) {
    const isAccepted = async (): Promise<boolean> => {
      const answer = await post(scene.port, change).catch(() => undefined);
      return answer !== undefined && answer.status < 300;
    };
    await scene.until(`the ${change.event} is accepted`, isAccepted);
  }
}

/** A text must be gone if and only if its change is there. */
export function secretsLeft(scene: Scene): Promise<string[]> {
  const found = readdirSync(scene.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const all = found.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
  const left = readdirSync(join(scene.dir, '.changes')).map((name) => `left in .changes: ${name}`);
  const wrong = secrets.get(scene)!.flatMap(({ event, of }) => {
    const [isChanged, isThere] = [all.includes(`\nevent: ${event}\n`), all.includes(`to ${event}: `)];
    if (!all.includes(`id: ${of}\n`)) return [`the message to ${event} is lost`];
    return isChanged === isThere ? [`the ${event} is ${isChanged ? '' : 'not '}there, and so is the text`] : [];
  });
  return Promise.resolve([...left, ...wrong]);
}
