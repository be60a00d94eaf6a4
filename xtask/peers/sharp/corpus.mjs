// Test photos: real ones, laid side by side at their own scale (enlarging would take detail out that a camera puts in).
// node corpus.mjs WIDTH HEIGHT FILE PHOTO…
import sharp from 'sharp';

const [, , width, height, file, ...photos] = process.argv;
const [W, H] = [Number(width), Number(height)];
const layers = [];
let next = 0;
for (let top = 0; top < H; ) {
  let row = Infinity;
  for (let left = 0; left < W; ) {
    const photo = sharp(photos[next++ % photos.length]);
    const meta = await photo.metadata();
    const [w, h] = [Math.min(meta.width, W - left), Math.min(meta.height, H - top)];
    const input = await photo.extract({ left: 0, top: 0, width: w, height: h }).removeAlpha().toColourspace('srgb').raw().toBuffer();
    layers.push({ input, raw: { width: w, height: h, channels: 3 }, left, top });
    left += w;
    row = Math.min(row, h);
  }
  top += row;
}
await sharp({ create: { width: W, height: H, channels: 3, background: '#808080' } })
  .composite(layers)
  .jpeg({ quality: 92, chromaSubsampling: '4:2:0' })
  .toFile(file);
