#!/usr/bin/env python3
"""Makes golden/images: small pictures of every kind that is read, and what Pillow and torchvision make of them.

    make_images.py [FOLDER]

NAME.EXT is decoded to NAME.ppm; resize_* and input_* hold results for resize_source.ppm and input_*.ppm.
Needs Pillow 13, numpy, torch and torchvision.
"""
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.transforms import v2

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "images")
ORIENTATION = 0x0112


def picture(width, height, channels=3, seed=1):
    """A gradient with some noise: JPEG keeps it, and no two corners look alike."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height), 255 - x * 200 / width]
    noise = np.random.default_rng(seed).normal(0, 8, (height, width, channels))
    return np.clip(np.stack(planes[:channels], -1) + noise, 0, 255).astype(np.uint8)


def png_bytes(width, height, depth, colour, rows, extra=()):
    """A PNG of kinds that Pillow does not write."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


def save_ppm(name, pixels):
    Image.fromarray(np.ascontiguousarray(pixels)).save(OUT / f"{name}.ppm")


def expect(name):
    """NAME.ppm: upright, over white, as Pillow sees it."""
    image = ImageOps.exif_transpose(Image.open(next(p for p in OUT.glob(f"{name}.*") if p.suffix != ".ppm")))
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    save_ppm(name, np.asarray(image.convert("RGB")))


def make_jpegs(rgb):
    rgb.save(OUT / "jpeg.jpg", quality=90)
    rgb.save(OUT / "progressive.jpg", quality=90, progressive=True)
    rgb.convert("L").save(OUT / "grey_jpeg.jpg", quality=90)
    Image.fromarray(picture(24, 16, 4), "CMYK").save(OUT / "cmyk.jpg", quality=90)
    cmyk = bytearray((OUT / "cmyk.jpg").read_bytes())
    cmyk[cmyk.index(b"Adobe") + 11] = 2  # the same samples, now said to be YCCK
    (OUT / "ycck.jpg").write_bytes(cmyk)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        rgb.save(OUT / f"exif_{orientation}.jpg", quality=90, exif=exif)


def make_pngs(rgb):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    rgba = Image.fromarray(picture(24, 16, 4))
    rgb.save(OUT / "rgb.png")
    rgba.save(OUT / "rgba_turned.png", exif=exif)
    rgba.convert("LA").save(OUT / "grey_alpha.png")
    rgb.convert("L").save(OUT / "grey.png", transparency=100)
    rgb.convert("1").save(OUT / "one_bit.png")
    palette = rgb.quantize(16)
    palette.save(OUT / "palette.png")
    palette.save(OUT / "palette_alpha.png", transparency=bytes(range(0, 256, 16)))
    key = rgb.getpixel((3, 5))
    rgb.save(OUT / "rgb_key.png", transparency=key)
    wide = picture(24, 16).astype(np.uint16) * 256 + 77
    (OUT / "rgb_16.png").write_bytes(png_bytes(24, 16, 16, 2, [r.astype(">u2").tobytes() for r in wide]))
    grey = wide[:, :, 0]
    (OUT / "grey_16.png").write_bytes(png_bytes(24, 16, 16, 0, [r.astype(">u2").tobytes() for r in grey]))
    two = [bytes((y * 37 + x * 91) & 255 for x in range(6)) for y in range(16)]  # Pillow takes its key for a byte
    pairs = np.array([[row[x // 4] >> (6 - x % 4 * 2) & 3 for x in range(24)] for row in two])
    save_ppm("grey_2", np.where(pairs == 2, 255, pairs * 85).astype(np.uint8)[:, :, None].repeat(3, 2))
    (OUT / "grey_2.png").write_bytes(png_bytes(24, 16, 2, 0, two, [(b"tRNS", b"\0\2")]))
    for name in ("rgb", "rgba_turned", "grey_alpha", "grey", "one_bit", "palette", "palette_alpha", "rgb_key", "rgb_16"):
        expect(name)
    save_ppm("grey_16", np.repeat((grey >> 8).astype(np.uint8)[:, :, None], 3, 2))


def make_others(rgb):
    rgb.save(OUT / "lossy.webp", quality=90)
    Image.fromarray(picture(24, 16, 4)).save(OUT / "alpha.webp", lossless=True, exact=True)
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    rgb.save(OUT / "turned.webp", lossless=True, exif=exif)
    rgb.save(OUT / "rgb_bmp.bmp")
    rgb.quantize(16).save(OUT / "palette_bmp.bmp")
    frames = [rgb, rgb.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    frames[0].save(OUT / "animated.webp", save_all=True, append_images=frames[1:], lossless=True)
    for name in ("lossy", "alpha", "turned", "rgb_bmp", "palette_bmp"):
        expect(name)


def bmp_16(masks):
    """All values of each colour, in 16 bits with these masks (none: 5 bits each)."""
    red, green, blue = masks or (0x7C00, 0x3E0, 0x1F)
    scaled = [[(x * mask // 63) & mask for x in range(64)] for mask in (red, green, blue)]
    pixels = np.array(scaled + [[red | green | blue] * 64], "<u2")
    header = struct.pack("<IiiHHIIiiII", 40, 64, -4, 1, 16, 3 if masks else 0, pixels.nbytes, 0, 0, 0, 0)
    header += struct.pack("<III", *masks) if masks else b""
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + pixels.nbytes, 0, 0, 14 + len(header)) + header + pixels.tobytes()


def make_rarer(rgb):
    palette = rgb.quantize(16)
    palette.save(OUT / "still.gif", interlace=True)
    palette.save(OUT / "see_through.gif", transparency=3, interlace=False)
    noise = np.random.default_rng(5).integers(0, 256, (64, 96), dtype=np.uint8)
    Image.fromarray(noise).save(OUT / "full_table.gif")  # more pieces than codes
    frames = [rgb.quantize(64), rgb.transpose(Image.Transpose.FLIP_TOP_BOTTOM).quantize(64), palette]
    frames[0].save(OUT / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    (OUT / "bmp_565.bmp").write_bytes(bmp_16((0xF800, 0x7E0, 0x1F)))
    (OUT / "bmp_555.bmp").write_bytes(bmp_16(None))
    rgb.save(OUT / "rgb_tiff.tif", compression="tiff_lzw")
    palette.save(OUT / "palette_tiff.tif")
    Image.fromarray(picture(24, 16, 4)).save(OUT / "alpha_tiff.tif")
    rgb.convert("1").save(OUT / "one_bit_tiff.tif", compression="group4")
    for orientation in range(1, 9):
        rgb.save(OUT / f"turned_{orientation}.tif", tiffinfo={ORIENTATION: orientation})
    names = ("still", "see_through", "full_table", "moving", "bmp_565", "bmp_555", "rgb_tiff", "palette_tiff",
             "alpha_tiff", "one_bit_tiff")
    for name in (*names, *(f"turned_{i}" for i in range(1, 9))):
        expect(name)


def make_resized():
    source = picture(40, 30, seed=2)
    source[::3, ::2] = 255 - source[::3, ::2]  # sharp edges show the filter
    save_ppm("resize_source", source)
    image = Image.fromarray(source)
    for width, height in ((20, 15), (27, 40), (60, 45), (40, 9), (7, 30), (13, 3), (38, 11)):
        save_ppm(f"resize_{width}x{height}", np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)))
    values = torch.from_numpy(source).permute(2, 0, 1)[None].float()
    for width, height in ((20, 15), (60, 45), (13, 3)):
        plain = torch.nn.functional.interpolate(values, (height, width), mode="bilinear", antialias=False)
        save_ppm(f"resize_plain_{width}x{height}", plain[0].round().byte().permute(1, 2, 0).numpy())


def make_inputs():
    tail = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    crop = (16, 12)
    ten = v2.Compose([v2.Resize(20), v2.CenterCrop(20), v2.TenCrop(crop)])
    for name, (width, height) in {"wide": (40, 29), "tall": (30, 41)}.items():
        source = picture(width, height, seed=3)
        save_ppm(f"input_{name}", source)
        image = Image.fromarray(source)
        v2.Compose([v2.Resize(20), v2.CenterCrop(crop), *tail])(image).numpy().tofile(OUT / f"input_{name}.f32")
        v2.Compose([v2.Resize(11), v2.CenterCrop(crop), *tail])(image).numpy().tofile(OUT / f"input_{name}_padded.f32")
        if name == "tall":
            views = torch.stack([v2.Compose(tail)(view) for view in ten(image)])
            views = views[[0, 1, 2, 3, 4, 6, 5, 8, 7, 9]]  # so that each mirror image is that of the crop five before
            views.numpy().tofile(OUT / f"input_{name}_ten.f32")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    rgb = Image.fromarray(picture(24, 16))
    make_jpegs(rgb)
    for name in ("jpeg", "progressive", "grey_jpeg", "cmyk", "ycck", *(f"exif_{i}" for i in range(1, 9))):
        expect(name)
    make_pngs(rgb)
    make_others(rgb)
    make_rarer(rgb)
    make_resized()
    make_inputs()
    print(sum(p.stat().st_size for p in OUT.iterdir()), "bytes in", OUT)


if __name__ == "__main__":
    main()
