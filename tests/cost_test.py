#!/usr/bin/env python3
"""cost_test.py SCRIPT: what scripts/cost takes for a cliff, on times made up here. Nothing is measured."""
import importlib.machinery
import importlib.util
import subprocess
import sys


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}:\n{got!r}, not\n{wanted!r}")


def load(script):
    sys.dont_write_bytecode = True  # it would lie in the source tree
    loader = importlib.machinery.SourceFileLoader("cost", script)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cost", loader))
    loader.exec_module(module)
    return module


def cliffs(cost, panel, times):
    """The places of a curve's cliffs: {place: time} in, sorted places out."""
    points = [{"network": "alexnet", "panel": panel, "batch": 4, "side": 224, "threads": 2} | {panel: at, "ms": [time, 9 * time, time]}
              for at, time in times.items()]
    (curve,) = cost.curves_of({"points": points[::-1]}).values()
    return [point[panel] for point, _ in cost.cliffs_of(curve)]


def main():
    script = sys.argv[1]
    cost = load(script)
    expect("a curve that falls", cliffs(cost, "batch", {1: 15, 2: 8, 3: 6, 4: 5, 8: 4.5}), [])
    expect("a spike", cliffs(cost, "batch", {1: 15, 2: 8, 3: 11, 4: 5, 8: 5.5}), [3])
    expect("a step that stays", cliffs(cost, "batch", {16: 4, 32: 4, 33: 5.2, 48: 5.2}), [33])
    expect("a step at the end", cliffs(cost, "threads", {1: 4, 2: 2, 3: 2, 4: 2.6}), [4])
    expect("a hump too low", cliffs(cost, "threads", {1: 4, 2: 2, 3: 2.4, 4: 2}), [])
    expect("time that grows with the area", cliffs(cost, "side", {64: 1, 128: 4, 256: 16}), [])
    expect("time that grows faster", cliffs(cost, "side", {64: 1, 128: 5.5, 256: 22}), [128])
    for wrong in ([], ["--out", "a.json", "--draw", "b.json"], ["--out", "a.json", "--networks", "lenet"]):
        done = subprocess.run([sys.executable, script, *wrong], capture_output=True, timeout=100, check=False)
        expect(f"exit code of {wrong}", done.returncode, 2)


if __name__ == "__main__":
    main()
