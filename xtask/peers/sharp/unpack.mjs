// For scores: node unpack.mjs PHOTO FOLDER… writes what each file of the folders shows as PNG beside it, and into the first
// folder what it should show: the photo made smaller in linear light.
import fs from 'node:fs';
import sharp from 'sharp';

const [, , photo, ...folders] = process.argv;
for (const [name, width] of [['thumb', 320], ['web', 960], ['large', 2048]]) {
  const { data, info } = await sharp(photo, { limitInputPixels: false })
    .rotate()
    .pipelineColourspace('scrgb')
    .resize(width, undefined, { kernel: 'lanczos3', fastShrinkOnLoad: false })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  await sharp(data, { raw: info }).png({ compressionLevel: 1 }).toFile(`${folders[0]}/${name}.reference.png`);
}
for (const folder of folders) {
  for (const name of fs.readdirSync(folder).filter((name) => /\.(jpg|webp|avif)$/.test(name))) {
    await sharp(`${folder}/${name}`).removeAlpha().png({ compressionLevel: 1 }).toFile(`${folder}/${name}.png`);
  }
}
