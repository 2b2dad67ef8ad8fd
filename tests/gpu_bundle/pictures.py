#!/usr/bin/env python3
"""pictures.py ALEXNET PICTURES SET TOWERS...: the program with photographs, on the CPU and on GPUs: cuda:0 classifies the cat alike, and
a training on SET ends with the same loss, of one column on cuda:0 and of two towers on each of TOWERS ("cuda:0,cuda:1")."""
import json
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "python"))

from program import output, trained  # noqa: E402

COLUMN = ["--model", "alexnet-cifar10", "--epochs", "4", "--lr", "0.002", "--augment", "crop,flip,color"]
TOWERS = ["--model", "alexnet-2012", "--size", "99", "--epochs", "2", "--lr", "0.001"]


def classify(program, photo):
    def answers(device):
        found = json.loads(output([program, "classify", photo, "--json", "--top", "10", "--device", device]))
        return {answer["label"]: answer["probability"] for answer in found["results"][0]["top"]}

    cpu, gpu = answers("cpu"), answers("cuda:0")
    worst = max(abs(gpu[label] - probability) for label, probability in cpu.items())
    if next(iter(gpu)) != next(iter(cpu)) or not worst <= 1e-3:
        sys.exit(f"classify {photo}: cpu {cpu}, cuda:0 {gpu}")


def train(program, folder, data, recipe, devices):
    wanted = trained(program, folder, data, [*recipe, "--batch", "4"], "cpu", "fp32")
    for device in devices:
        got = trained(program, folder, data, [*recipe, "--batch", "4"], device, "fp32")
        print(f"{' '.join(recipe)}: {device} ends with loss {got}, cpu with {wanted}", flush=True)
        if not abs(got - wanted) <= 1e-3 * wanted:
            sys.exit(f"{device} ends with loss {got}, cpu with {wanted}")


def main():
    program, pictures, data, *towers = sys.argv[1:]
    classify(program, f"{pictures}/cat.jpg")
    with tempfile.TemporaryDirectory() as folder:
        train(program, pathlib.Path(folder), data, COLUMN, ["cuda:0"])
        train(program, pathlib.Path(folder), data, TOWERS, towers)


main()
