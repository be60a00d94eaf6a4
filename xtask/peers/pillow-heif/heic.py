# What ours is compared with: HEIC by pillow-heif, that is, by libheif and libde265.
#   heic.py make JPEG FILE                      a HEIC as phones write it, in tiles
#   heic.py decode FILE TIMES THREADS [PIXELS]  what decoding takes, as a line of JSON; the pixels as ours writes them
#   heic.py compare FILE FILE WIDTH HEIGHT      how far two files of pixels are apart, as a line of JSON
import json
import sys
import time

import pillow_heif
from PIL import Image, ImageChops, ImageStat


def make(jpeg, file):
    pillow_heif.options.GRID_TILE_SIZE = 512
    # The slower ways take minutes and make a file of the same kind.
    shown = Image.open(jpeg).convert("RGB")
    pillow_heif.from_pillow(shown).save(file, quality=80, enc_params={"preset": "fast"})


def pixels(data):
    heif = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    # Asking for the bytes is what decodes.
    decoded = heif.data
    if heif.mode != "RGB":
        raise ValueError(f"{heif.mode} is not RGB")
    return heif.size, heif.stride, decoded


def peak():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def decode(file, times, threads, to=None):
    pillow_heif.options.DECODE_THREADS = int(threads)
    with open(file, "rb") as opened:
        data = opened.read()
    idle = peak()
    started = time.perf_counter()
    (width, height), stride, decoded = pixels(data)
    alone = time.perf_counter() - started
    most = peak()
    if to:
        with open(to, "wb") as opened:
            for row in range(height):
                opened.write(decoded[row * stride : row * stride + width * 3])
    del decoded
    started, before = time.perf_counter(), time.process_time()
    for _ in range(int(times)):
        pixels(data)
    wall, processor = time.perf_counter() - started, time.process_time() - before
    print(json.dumps({
        "width": width, "height": height, "alone": alone, "wall": wall, "processor": processor,
        "idle_kb": idle, "peak_kb": most,
    }))


def compare(one, other, width, height):
    size = (int(width), int(height))
    shown = [Image.frombytes("RGB", size, open(file, "rb").read()) for file in (one, other)]
    difference = ImageChops.difference(*shown)
    statistics = ImageStat.Stat(difference)
    print(json.dumps({
        "mean": sum(statistics.mean) / 3,
        "max": max(most for _, most in difference.getextrema()),
    }))


{"make": make, "decode": decode, "compare": compare}[sys.argv[1]](*sys.argv[2:])
