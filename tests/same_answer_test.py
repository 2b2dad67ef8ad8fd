#!/usr/bin/env python3
"""same_answer_test.py SCRIPT PROGRAM: scripts/same-answer finds a program the same as itself, and sees one flipped bit, which a
tolerance may allow, and a crash."""
import pathlib
import stat
import subprocess
import sys

# A program that runs the real one, and then changes the last bit of one number of a tensor, or ends as by a crash.
WRAPPER = '''#!{python}
import json, os, signal, struct, subprocess, sys
args = sys.argv[1:]
code = subprocess.run([{program!r}, *args]).returncode
if not code and args[0] == {command!r} and {word!r} in args:
    if {tensor!r} == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    with open(args[args.index("--out") + 1].replace(".safetensors", {end!r}), "r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        at = 8 + length + json.loads(file.read(length))[{tensor!r}]["data_offsets"][0] + 4 * 5
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
sys.exit(code)
'''


def wrapper(program, command, word, tensor, end=".safetensors"):
    path = pathlib.Path(f"changed-{command}-{tensor}")
    text = WRAPPER.format(python=sys.executable, program=program, command=command, word=word, tensor=tensor, end=end)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path.resolve())


def expect(script, old, new, only, code, *texts, more=()):
    args = [sys.executable, script, old, new, "--quick", "--only", only, "--cache", "cache", *more]
    done = subprocess.run(args, capture_output=True, text=True, timeout=100, check=False)
    missing = [text for text in texts if text not in done.stdout + done.stderr]
    if done.returncode != code or missing:
        sys.exit(f"{args}\nexit code {done.returncode}, not {code}, or without {missing}:\n{done.stdout}{done.stderr}")


def main():
    script, program = sys.argv[1:]
    features, train = "^features alexnet-cifar10 reference$", "^train alexnet-cifar10 reference$"
    both = f"{features}|{train}"
    expect(script, program, program, both, 0, "2 cases, no difference")

    flipped = wrapper(program, "features", "fc5", "features")
    place = "tensor features: element [0, 5] (5 of 192): old "
    told = ["network  alexnet-cifar10, device reference, fc5", place, "1 elements differ"]
    expect(script, program, flipped, features, 1, "--layer fc5", *told)
    expect(script, program, flipped, features, 0, more=["--tolerance", "1e-5"])

    velocity = "optimizer.velocity.conv2.weight"
    flipped = wrapper(program, "train", "--log", velocity, ".checkpoint.safetensors")
    place = f"checkpoint.safetensors: tensor {velocity}: element [0, 0, 1, 2]"
    expect(script, program, flipped, both, 1, place, "1 of 2 cases differ")

    crashed = wrapper(program, "features", "fc5", "crash")
    expect(script, program, crashed, features, 2, "NEW: alexnet features", "exit code -11")
    expect(script, program, program + "-none", features, 2, "is no program")


if __name__ == "__main__":
    main()
