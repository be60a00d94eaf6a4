// A real SMTP server on loopback. Each mail becomes a file, so that every worker can read it.
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface StoredMail {
  /** Addresses of the envelope, not of the header. */
  to: string[];
  from: string;
  raw: string;
}

export interface Mail extends Email {
  envelope: { to: string[]; from: string };
}

export interface MailServer {
  url: string;
  close: () => Promise<void>;
}

export async function startMailServer(folder: string): Promise<MailServer> {
  mkdirSync(folder, { recursive: true });
  let count = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail: StoredMail = {
          to: rcptTo.map((recipient) => recipient.address),
          from: mailFrom ? mailFrom.address : '',
          raw: Buffer.concat(chunks).toString('base64'),
        };
        const name = String(++count).padStart(5, '0');
        // Renamed when whole: a reader must never see half of it.
        writeFileSync(join(folder, `${name}.part`), JSON.stringify(mail));
        renameSync(join(folder, `${name}.part`), join(folder, `${name}.json`));
        done();
      });
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** The mails sent to this address so far, oldest first. */
export async function mailsTo(folder: string, address: string): Promise<Mail[]> {
  const mails: Mail[] = [];
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
    const stored = JSON.parse(readFileSync(join(folder, name), 'utf8')) as StoredMail;
    if (stored.to.some((to) => to.toLowerCase() === address.toLowerCase())) {
      const mail = await PostalMime.parse(Buffer.from(stored.raw, 'base64'));
      mails.push({ ...mail, envelope: { to: stored.to, from: stored.from } });
    }
  }
  return mails;
}
