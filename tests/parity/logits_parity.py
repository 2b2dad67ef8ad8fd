#!/usr/bin/env python3
"""Logits of torchvision's alexnet, by torch and by libalexnet, from the same tensor and weights.

    python3 logits_parity.py LOGITS_DUMP    # the program built from logits_dump.cpp; needs torch, torchvision, safetensors

Prints max|difference| / max|logit| for batches 1, 7 and 32 and each kind of file; fails above 1e-4.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file, save_file

LIMIT = 1e-4


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    torch.manual_seed(0)
    net = torchvision.models.alexnet().eval()
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        weights = [folder / "zip.pth", folder / "legacy.pth", folder / "plain.safetensors"]
        torch.save(net.state_dict(), weights[0])
        torch.save(net.state_dict(), weights[1], _use_new_zipfile_serialization=False)
        save_file(net.state_dict(), weights[2])
        for batch in (1, 7, 32):
            images = torch.randn(batch, 3, 224, 224)
            save_file({"input": images}, folder / "in.safetensors")
            with torch.inference_mode():
                wanted = net(images)
            for file in weights:
                subprocess.run([program, file, folder / "in.safetensors", folder / "out.safetensors"], check=True)
                got = load_file(folder / "out.safetensors")["logits"]
                error = ((got - wanted).abs().max() / wanted.abs().max()).item()
                worst = max(worst, error)
                print(f"batch {batch:2}  {file.name:18} {error:.1e}")
    if not worst <= LIMIT:
        sys.exit(f"the largest, {worst:.1e}, is above {LIMIT}")


if __name__ == "__main__":
    main()
