#!/usr/bin/env python3
"""Compares libalexnet's decoding and preprocessing of photographs with Pillow's and torchvision's.

    preprocess_parity.py build/release/bin/preprocess_dump [FOLDER]

FOLDER holds photographs; without it, $ALEXNET_DATA/imagenet-samples. Differences are in pixel units, 1/255 of the range.
Fails where decoded pixels differ by more than 1, the network's input from that of Pillow's arithmetic by more than
rounding, or from that of torchvision on float tensors by more than 1: two passes that round to bytes. torchvision on
byte tensors rounds in its own way; that figure is only printed. Needs Pillow 13, torch and torchvision.
"""
import os
import pathlib
import struct
import subprocess
import sys

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.transforms import v2

LIMITS = {"PIL image": 0.001, "float tensor": 1.001}  # a little over, for float rounding
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def ours(program, mode, path):
    out = subprocess.run([program, mode, path], check=True, capture_output=True).stdout
    if mode == "input":
        return np.frombuffer(out, np.float32).reshape(3, 224, 224)
    width, height = struct.unpack("=qq", out[:16])
    return np.frombuffer(out[16:], np.uint8).reshape(height, width, 3)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    default = pathlib.Path(os.environ.get("ALEXNET_DATA", "")) / "imagenet-samples"
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else default
    photos = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not photos:
        sys.exit(f"{folder}: no photographs")
    normalize = v2.Normalize(MEAN, STD)
    to_float = v2.ToDtype(torch.float32, scale=True)
    ways = {
        "PIL image": v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.ToImage(), to_float, normalize]),
        "uint8 tensor": v2.Compose([v2.ToImage(), v2.Resize(256, antialias=True), v2.CenterCrop(224), to_float, normalize]),
        "float tensor": v2.Compose([v2.ToImage(), to_float, v2.Resize(256, antialias=True), v2.CenterCrop(224), normalize]),
    }
    decoded, worst = 0, dict.fromkeys(ways, 0.0)
    for photo in photos:
        reference = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
        pixels = ours(sys.argv[1], "decode", photo)
        difference = int(np.abs(pixels.astype(int) - np.asarray(reference, int)).max())
        if difference:
            print(f"{photo.name}: decoded pixels differ by {difference}")
        decoded = max(decoded, difference)
        values = ours(sys.argv[1], "input", photo)
        for name, transform in ways.items():
            gap = np.abs(values - transform(reference).numpy()) * np.array(STD).reshape(3, 1, 1) * 255
            worst[name] = max(worst[name], float(gap.max()))
    print(f"{len(photos)} photographs; decoded pixels against Pillow: max difference {decoded}")
    for name, gap in worst.items():
        print(f"input against torchvision on a {name}: max difference {gap:.6f} pixel units")
    sys.exit(decoded > 1 or any(worst[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
