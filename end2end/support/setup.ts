// Starts what the tests talk to: a mail server, and the server with a fresh demo. The function it returns stops both.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startMailServer } from './smtp.ts';
import { resultsFolder, writeState, type Demo } from './state.ts';

const root = join(import.meta.dirname, '..', '..');

function serverBinary(): string {
  const cache = process.env.SHUTTERPOST_CACHE ?? join(homedir(), '.cache', 'shutterpost');
  const target = process.env.CARGO_TARGET_DIR ?? join(cache, 'target');
  return process.env.END2END_BINARY ?? join(target, 'debug', 'shutterpost');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ready(url: string, server: ChildProcess, log: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    if (server.exitCode !== null) {
      throw new Error(`the server ended with ${server.exitCode}:\n${readFileSync(log, 'utf8')}`);
    }
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(50);
  }
  throw new Error(`the server was not ready within a minute:\n${readFileSync(log, 'utf8')}`);
}

export default async function setup(): Promise<() => Promise<void>> {
  const binary = serverBinary();
  const site = process.env.END2END_SITE ?? join(root, 'target', 'site', 'release');
  for (const path of [binary, join(site, 'assets.html')]) {
    if (!existsSync(path)) throw new Error(`${path} is missing; run: cargo xtask test --only browser`);
  }

  mkdirSync(resultsFolder, { recursive: true });
  const data = mkdtempSync(join(tmpdir(), 'shutterpost-end2end-'));
  const mail = join(data, 'mail');
  const mailServer = await startMailServer(mail);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  // The server refuses settings that it does not know, and those of the person at the keyboard are not for it.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SHUTTERPOST_|DATABASE_URL$)/.test(name));
  const environment = {
    ...Object.fromEntries(inherited),
    SHUTTERPOST_DATA: join(data, 'server'),
    SHUTTERPOST_SITE: site,
    SHUTTERPOST_PORT: String(port),
    SHUTTERPOST_URL: url,
    SHUTTERPOST_DEV: '1',
    SHUTTERPOST_SMTP_URL: mailServer.url,
  };
  mkdirSync(environment.SHUTTERPOST_DATA);

  const json = join(data, 'demo.json');
  const seeded = spawnSync(binary, ['demo', '--json', json], { env: environment, encoding: 'utf8' });
  if (seeded.status !== 0) {
    throw new Error(`\`shutterpost demo\` ended with ${seeded.status}:\n${seeded.stdout}${seeded.stderr}`);
  }
  const demo = JSON.parse(readFileSync(json, 'utf8')) as Demo;

  // Nobody joins the staff but by a link that the operator makes at the machine.
  const invite = ['admin', 'invite-staff', '--name', 'Sam Lee', '--email', 'sam@shutterpost.example'];
  const invited = spawnSync(binary, invite, { env: environment, encoding: 'utf8' });
  const staffLink = /https?:\/\/\S+/.exec(invited.stdout)?.[0];
  if (invited.status !== 0 || !staffLink) {
    throw new Error(`\`shutterpost admin invite-staff\` ended with ${invited.status}:\n${invited.stdout}${invited.stderr}`);
  }

  const log = join(resultsFolder, 'server.log');
  const output = openSync(log, 'w');
  const server = spawn(binary, ['serve'], { env: environment, stdio: ['ignore', output, output] });
  const stop = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      const killer = setTimeout(() => server.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(killer);
    }
    await mailServer.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await ready(url, server, log);
  } catch (error) {
    await stop();
    throw error;
  }
  writeState({ url, mail, demo, binary, staffLink });
  return stop;
}
