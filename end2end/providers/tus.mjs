// A client of resumable uploads that others have written. Uploads one file and goes on after whatever cuts it, also when
// this program is started again: addresses of uploads are kept in a file. Prints what became of it as JSON.
import { createReadStream } from 'node:fs';

import { FileUrlStorage, Upload } from 'tus-js-client';

const [endpoint, token, file, addresses, parallel] = process.argv.slice(2);
const told = { requests: 0 };

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: file.split('/').pop(), filetype: 'image/jpeg' },
  parallelUploads: Number(parallel),
  retryDelays: Array(300).fill(100),
  ...(parallel === '1' ? { urlStorage: new FileUrlStorage(addresses) } : { storeFingerprintForResuming: false }),
  onAfterResponse(_, response) {
    told.requests += 1;
    told.capture = response.getHeader('Shutterpost-Capture') ?? told.capture;
  },
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess() {
    console.log(JSON.stringify({ ...told, url: upload.url }));
    process.exit(0);
  },
});

if (parallel === '1') {
  const [before] = await upload.findPreviousUploads();
  if (before) {
    upload.resumeFromPreviousUpload(before);
  }
}
upload.start();
