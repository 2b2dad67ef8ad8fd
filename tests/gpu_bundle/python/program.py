#!/usr/bin/env python3
"""program.py ALEXNET DEVICE PICTURES PRECISION...: trains the small network for a few steps by the program, on the CPU and on DEVICE,
on so many pictures of noise; both must end with about the same loss, for crops and dropout are drawn alike on every device."""
import csv
import pathlib
import random
import subprocess
import sys
import tempfile

ALLOWED = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 2e-2, "bf16": 5e-2}
RECIPE = ["--model", "alexnet-cifar10", "--epochs", "2", "--batch", "8", "--lr", "0.002"]


def output(words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}: {done.stderr.strip()[-800:]}")
    return done.stdout


def trained(program, folder, data, recipe, device, precision):
    """The last training loss."""
    out, log = folder / "weights.safetensors", folder / "log.csv"
    command = [program, "train", *recipe, "--data", data, "--mean", "color", "--device", device, "--precision", precision, "--out", out,
               "--log", log]
    for old in folder.glob("weights.*"):
        old.unlink()
    output(command)
    output([program, "verify", out])
    with open(log, newline="") as rows:
        return float(list(csv.DictReader(rows))[-1]["train_loss"])


def write_pictures(file, count):
    """Noise as CIFAR-10's binary files have it, a little brighter from class to class."""
    draw = random.Random(1)
    rows = [bytes([i % 10]) + bytes(draw.randrange(156) + i % 10 * 10 for _ in range(3072)) for i in range(count)]
    file.write_bytes(b"".join(rows))


def main():
    program, device, count, *precisions = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder, data = pathlib.Path(name), pathlib.Path(name) / "set"
        data.mkdir()
        write_pictures(data / "data_batch_1.bin", int(count))
        wanted = trained(program, folder, data, RECIPE, "cpu", "fp32")
        for precision in precisions:
            got = trained(program, folder, data, RECIPE, device, precision)
            print(f"{precision}: {device} ends with loss {got}, cpu with {wanted}", flush=True)
            if not abs(got - wanted) <= ALLOWED[precision] * wanted:
                sys.exit(f"{precision}: {device} ends with loss {got}, cpu with {wanted}; {ALLOWED[precision]:.1%} are allowed")


if __name__ == "__main__":
    main()
