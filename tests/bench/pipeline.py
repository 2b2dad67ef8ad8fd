#!/usr/bin/env python3
"""Reading training pictures: this library against torchvision's v2 transforms, one thread each, in turn.

    python3 pipeline.py PIPELINE DIR [ROUNDS]    # needs torch, torchvision, Pillow

PIPELINE is the program built from pipeline.cpp; DIR a folder of class folders of JPEG files, best of 256 x 256 (`alexnet pack DIR
--out x.tar; tar xf x.tar`). Both read a file, decode it, crop 224 x 224 at random, flip half, and normalise to float32. torchvision
does so by Pillow and by tensors. Prints images a second, medians, and the median of the rounds' ratios to torchvision's better one.
"""
import pathlib
import random
import statistics
import subprocess
import sys
import time

import torch
import torchvision
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2

SECONDS = 3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def transforms(first):
    return v2.Compose([*first, v2.RandomCrop(224), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True),
                       v2.Normalize(MEAN, STD)])


def by_pillow(path, transform=transforms([v2.ToImage()])):
    return transform(Image.open(path).convert("RGB"))


def by_pillow_late(path, transform=v2.Compose([v2.RandomCrop(224), v2.RandomHorizontalFlip(), v2.ToImage(),
                                               v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])):
    return transform(Image.open(path).convert("RGB"))


def by_tensors(path, transform=transforms([])):
    return transform(decode_jpeg(read_file(str(path)), mode=ImageReadMode.RGB))


def rate(load, files):
    random.shuffle(files)
    begin, images, batch = time.perf_counter(), 0, torch.empty(32, 3, 224, 224)
    while time.perf_counter() - begin < SECONDS:
        batch[images % 32] = load(files[images % len(files)])
        images += 1
    return images / (time.perf_counter() - begin)


def main():
    program, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    torch.set_num_threads(1)
    files = sorted(pathlib.Path(folder).glob("*/*.jpg"))
    loads = {"v2, Pillow, tensor first": by_pillow, "v2, Pillow": by_pillow_late, "v2, tensors": by_tensors}
    rates = {name: [] for name in [*loads, "libalexnet"]}
    for _ in range(rounds):
        for name, load in loads.items():
            rates[name].append(rate(load, files))
        rates["libalexnet"].append(float(subprocess.check_output([program, folder, str(SECONDS)])))
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {len(files)} pictures, one thread, images/s:")
    for name, values in rates.items():
        print(f"  {name:26s} {statistics.median(values):7.0f}")
    ratios = [ours / max(rates[name][i] for name in loads) for i, ours in enumerate(rates["libalexnet"])]
    print(f"  libalexnet / the better    {statistics.median(ratios):7.2f}")


if __name__ == "__main__":
    main()
