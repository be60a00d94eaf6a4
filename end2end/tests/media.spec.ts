// What booths, phones and cameras make, by each of the three ways in: it is shown and plays, on a phone and in the CMS.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devices, type Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';

const server = join(import.meta.dirname, '..', '..', 'server');
const heic = readFileSync(join(server, 'backend', 'src', 'ingest', 'fixture', 'phone.heic'));

let folder: string;
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shutterpost-media-'));
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file that ffmpeg makes of its test picture. */
const made = (name: string, size: string, ...words: string[]) => {
  const file = join(folder, name);
  const source = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=24:duration=2`];
  execFileSync('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...source, ...words, file]);
  return file;
};

/** Whatever plays has got on within some seconds. */
const plays = async (page: Page) => {
  const video = page.locator('video').first();
  await expect(video).toBeVisible();
  await expect.poll(() => video.evaluate((video: HTMLVideoElement) => video.currentTime), { timeout: 20_000 }).toBeGreaterThan(0.2);
  return video.evaluate((video: HTMLVideoElement) => ({ width: video.videoWidth, height: video.videoHeight, loop: video.loop, muted: video.muted }));
};

test('photos, films and animations come by the API, in pieces and from a folder, and play', async ({ page, browser, request, app, signIn, openAlive, expectAccessible, keepPicture }) => {
  test.setTimeout(240_000);
  await signIn(page, 'owner');
  await page.goto('/cms/events/new');
  await page.locator('input[name="name"]').fill('Moving');
  await page.locator('input[name="starts_on"]').fill('2026-11-20');
  await page.locator('input[name="ends_on"]').fill('2027-11-20');
  await page.locator('main form button[type="submit"]').last().click();
  await page.waitForURL(/\/cms\/events\/evt_/);
  const event = /evt_[0-9a-f]{32}/.exec(page.url())![0];
  const Authorization = `Bearer ${app.demo.api_token}`;

  // The API: a phone's photo and an animation.
  const upload = async (name: string, mimeType: string, buffer: Buffer) => {
    const answer = await request.post(`/api/v1/events/${event}/captures`, {
      headers: { Authorization, 'Idempotency-Key': name },
      multipart: { file: { name, mimeType, buffer } },
    });
    expect(answer.status(), await answer.text()).toBe(201);
    return (await answer.json()) as { id: string; share_url: string };
  };
  const photo = await upload('phone.heic', 'image/heic', heic);
  const animation = await upload('wave.gif', 'image/gif', readFileSync(made('wave.gif', '240x180', '-r', '8')));

  // In pieces: a film taken upright, cut after a third.
  const sound = ['-f', 'lavfi', '-i', 'sine=duration=2', '-c:a', 'aac', '-shortest'];
  const film = readFileSync(made('portrait.mp4', '540x960', ...sound, '-c:v', 'libx264', '-pix_fmt', 'yuv420p'));
  const tus = { Authorization, 'Tus-Resumable': '1.0.0' };
  const metadata = Object.entries({ event, filename: 'portrait.mp4', filetype: 'video/mp4' });
  const begun = await request.post('/uploads', {
    headers: {
      ...tus,
      'Upload-Length': String(film.length),
      'Upload-Metadata': metadata.map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`).join(','),
    },
  });
  expect(begun.status(), await begun.text()).toBe(201);
  const address = begun.headers().location!;
  const append = (from: number, to: number) =>
    request.patch(address, {
      headers: { ...tus, 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream' },
      data: film.subarray(from, to),
    });
  const third = Math.floor(film.length / 3);
  expect((await append(0, third)).status()).toBe(204);
  expect((await request.head(address, { headers: tus })).headers()['upload-offset']).toBe(String(third));
  const ended = await append(third, film.length);
  expect(ended.status(), await ended.text()).toBe(204);
  const { 'shutterpost-share-url': filmLink, 'shutterpost-capture': filmId } = ended.headers();

  // A folder: three photos of a booth and a boomerang, one after the other as the booth wrote them.
  const booth = join(folder, 'booth');
  mkdirSync(booth);
  for (const name of ['one', 'two', 'three']) copyFileSync(join(server, 'assets', 'demo', `${name}.jpg`), join(booth, `${name}.jpg`));
  copyFileSync(made('boomerang.gif', '320x240', '-r', '10'), join(booth, 'boomerang.gif'));
  const push = ['push', booth, '--server', app.url, '--event', event, '--once', '--quiet', '0.2', '--done', join(folder, 'done')];
  const pushed = spawnSync(app.binary, push, { env: { PATH: process.env.PATH, SHUTTERPOST_TOKEN: app.demo.api_token }, encoding: 'utf8' });
  expect(pushed.status, pushed.stdout + pushed.stderr).toBe(0);
  expect(readdirSync(join(folder, 'done')).sort()).toEqual(['boomerang.gif', 'one.jpg', 'three.jpg', 'two.jpg']);

  // On a phone.
  const phone = await browser.newContext({ ...devices['Pixel 7'], viewport: { width: 390, height: 844 } });
  const guest = await phone.newPage();
  await guest.goto(photo.share_url);
  const picture = guest.locator('.stage img');
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth)).toBeGreaterThan(0);
  await guest.goto(animation.share_url);
  expect(await plays(guest)).toEqual({ width: 240, height: 180, loop: true, muted: true });
  await expectAccessible(guest);
  await keepPicture(guest, 'share-animation');
  await guest.goto(filmLink!);
  await guest.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  expect(await plays(guest)).toEqual({ width: 540, height: 960, loop: false, muted: false });
  expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(guest);
  await keepPicture(guest, 'share-film');
  await phone.close();

  // In the CMS: seven captures, each by one way and once.
  await openAlive(page, `/cms/events/${event}`);
  await expect(page.locator('[data-capture]')).toHaveCount(7);
  await keepPicture(page, 'captures-moving');
  for (const id of [filmId!, animation.id]) {
    await openAlive(page, `/cms/captures/${id}`);
    await page.locator('video').first().evaluate((video: HTMLVideoElement) => video.play());
    await plays(page);
    await expectAccessible(page);
    await keepPicture(page, `capture-${id === filmId ? 'film' : 'animation'}`);
  }
});
