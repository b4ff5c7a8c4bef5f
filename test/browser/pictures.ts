import { crc32, deflateSync } from 'node:zlib';
import type { Locator, Page } from 'playwright-core';
import { log } from './stage.ts';

export interface ChosenFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A location, as cameras add it to pictures among other data. */
export const PLACE = 'GPSLatitude 37.5665';

/** Chooses files for the next message, as the button does. */
export const attach = (page: Page, ...files: ChosenFile[]): Promise<void> =>
  page.locator('input[type=file]').last().setInputFiles(files);

/** A picture in the log, once it is shown. */
export const picture = (page: Page, name: string | RegExp): Locator =>
  log(page)
    .getByRole('button', { name })
    .filter({ has: page.locator('img') });

export const fileOf = (name: string, buffer: Buffer, mimeType = 'application/octet-stream'): ChosenFile => ({
  name,
  mimeType,
  buffer,
});

/** A white picture. It takes few bytes, however large it is. */
export function png(name: string, width: number, height: number): ChosenFile {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1; // one bit per pixel
  const rows = Buffer.alloc((1 + Math.ceil(width / 8)) * height);
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return fileOf(name, Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]), 'image/png');
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

/** A photograph as a camera stores it. The page is only used to draw it. */
export async function photo(page: Page, name: string, width: number, height: number): Promise<ChosenFile> {
  const url = await page.evaluate(
    ([wide, high]) =>
      Object.assign(document.createElement('canvas'), { width: wide, height: high }).toDataURL('image/jpeg'),
    [width, height],
  );
  const jpeg = Buffer.from(url.split(',')[1]!, 'base64');
  const told = Buffer.from(`Exif\0\0${PLACE}`);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, told.length + 2]);
  return fileOf(name, Buffer.concat([head, told, jpeg.subarray(2)]), 'image/jpeg');
}
