// The set of renditions as others make it: node set.mjs PHOTO best|usual TIMES [FOLDER]. `best` decodes once and derives
// the rest, as Immich does; `usual` begins anew for each size. AVIF=1 adds AVIF.
import fs from 'node:fs';
import sharp from 'sharp';

sharp.cache(false);
sharp.concurrency(1);
const [, , file, way, times, folder] = process.argv;
const names = { 320: 'thumb', 960: 'web', 2048: 'large' };
const bytes = fs.readFileSync(file);
const encode = async (picture) => ({
  webp: await picture.clone().webp({ quality: 75 }).toBuffer(),
  jpg: await picture.clone().jpeg({ quality: 80 }).toBuffer(),
  ...(process.env.AVIF ? { avif: await picture.clone().avif({ quality: 55 }).toBuffer() } : {}),
});

let made;
for (let time = 0; time < Number(times); time++) {
  made = {};
  const add = (name, files) => Object.entries(files).forEach(([end, data]) => (made[`${name}.${end}`] = data));
  let og = sharp(bytes).rotate();
  if (way === 'usual') {
    for (const width of Object.keys(names)) add(names[width], await encode(sharp(bytes).rotate().resize(Number(width))));
  } else {
    const { data, info } = await sharp(bytes).rotate().resize(2048).raw().toBuffer({ resolveWithObject: true });
    for (const width of Object.keys(names)) add(names[width], await encode(sharp(data, { raw: info }).resize(Number(width))));
    og = sharp(data, { raw: info });
  }
  add('og', { jpg: await og.resize(1200, 630, { fit: 'cover' }).jpeg({ quality: 80 }).toBuffer() });
}
if (folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, data] of Object.entries(made)) fs.writeFileSync(`${folder}/${name}`, data);
}
