// What the setup tells the tests: where the server is and what the demo made. One file, because workers are processes
// of their own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `shutterpost demo --json`: ids as in the API, share links as whole URLs. */
export interface Demo {
  url: string;
  organisation: string;
  event: string;
  users: { email: string; password: string; role: Role }[];
  device_token: string;
  api_token: string;
  share: { owner: string; view: string };
}

export type Role = 'owner' | 'admin' | 'editor' | 'viewer' | 'reporter';

export interface State {
  /** Origin of the server, without a slash at the end. */
  url: string;
  /** Folder that holds one file for each mail that arrived. */
  mail: string;
  demo: Demo;
  /** The program, for what runs beside the server. */
  binary: string;
  /** By which somebody joins the support staff, once. */
  staffLink: string;
}

export const resultsFolder = join(import.meta.dirname, '..', 'test-results');
const file = join(resultsFolder, 'state.json');

export function writeState(state: State): void {
  writeFileSync(file, JSON.stringify(state, null, 2));
}

export function readState(): State {
  return JSON.parse(readFileSync(file, 'utf8')) as State;
}
