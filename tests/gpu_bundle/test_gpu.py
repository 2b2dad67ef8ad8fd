#!/usr/bin/env python3
"""test_gpu.py BUILD WORK PICTURES OUT: for scripts/test-gpu. Every correctness step of the bundle in WORK/bundle, and what needs the
whole build: CUDA's own libraries, and the program with pictures of WORK/set."""
import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "python"))

import report  # noqa: E402
import runner  # noqa: E402
import steps  # noqa: E402

PATIENCE = 10  # times a step's usual limit: any GPU may be tested here, and only what hangs must end


def gpus_of(run):
    listed = next((step.get("result") for step in run.report["steps"] if step["name"] == "devices" and step["status"] == "passed"), None)
    return [device for device in listed or [] if device["name"].startswith("cuda:") and device["usable"]]


def whole_build(build, work, pictures, gpus):
    yield runner.GoogleTest(build, work).step("CUDA's libraries", "cuda_symbols_test", "*", 60)
    towers = ["cuda:0,cuda:0"] + ["cuda:0,cuda:1"] * (gpus > 1)
    yield runner.Step("the program with pictures", [sys.executable, pathlib.Path(__file__).with_name("pictures.py"), build / "bin/alexnet",
                                                    pictures, work / "set", *towers], 120)


def main():
    build, work, pictures, out = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    run = runner.Runner(work / "bundle", work, 3600, False, 1, PATIENCE)
    (work / "work").mkdir(exist_ok=True)
    run.on_change = lambda: report.write(work, run.report)
    bundled = steps.Steps(work / "bundle", work / "work", False)
    for step in bundled.start():
        run.step(step)
    gpus = gpus_of(run)
    if not gpus:
        sys.exit("test-gpu: " + next(step["why"] for step in run.report["steps"] if step["name"] == "devices"))
    for part in (bundled.correctness(), bundled.memory(), bundled.long_tests(), whole_build(build, work / "work", pictures, len(gpus))):
        for step in part:
            run.step(step)
    name = re.sub("[^A-Za-z0-9]+", "-", gpus[0]["description"].split(",")[0]).strip("-")
    for end in ("json", "md"):
        shutil.copy(work / f"report.{end}", out / f"tests-{name}.{end}")
    counts = report.counts(run.report)
    print(f"{', '.join(f'{count} {status}' for status, count in counts.items())}; written to {out}/tests-{name}.md")
    return 1 if set(counts) - {"passed", "skipped"} else 0


if __name__ == "__main__":
    sys.exit(main())
