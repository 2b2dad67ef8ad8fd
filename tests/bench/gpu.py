#!/usr/bin/env python3
"""Measures libalexnet beside torch on one GPU, in turn: the time of a batch, from host memory to host memory.

    python3 gpu.py [--alexnet build/release/bin/alexnet] [--rounds 3] [--only infer|train] [--out docs/gpu]

torch is measured where it is installed and sees the same GPU (tests/gpu_bundle/python/beside_torch.py). Every measurement is a
process of its own with the same network (torchvision's alexnet), warmed up, the median over --seconds. Rounds go through all programs
in turn. Both sides send their pictures to the GPU as fp32 and read back what they made (probabilities, in training the
loss), which is also how they wait for it; torch's pictures lie in pinned memory in the layout that it wants. Beside that
stands torch's time with its pictures on the GPU already. Where there are two GPUs, the towers of alexnet-2012 run on
one and on both. A program whose process fails is named on stderr and left out.

Precisions: fp32 and tf32 are torch's allow_tf32 off and on; fp16 and bf16 are its autocast ("amp", in fp16 training with
a GradScaler) and, for inference, a network turned into that type ("half").
"""
import argparse
import datetime
import json
import pathlib
import platform
import re
import statistics
import subprocess
import sys

PRECISIONS = ["fp32", "tf32", "fp16", "bf16"]
SINGLE = {"infer": ["torch", "torch channels_last", "torch compiled", "torch compiled channels_last", "torch compiled graphs"],
          "train": ["torch", "torch channels_last", "torch compiled", "torch compiled channels_last"]}
HALF = {"infer": ["torch amp", "torch amp channels_last", "torch amp compiled", "torch amp compiled graphs",
                  "torch half channels_last", "torch half compiled", "torch half compiled graphs"],
        "train": ["torch amp", "torch amp channels_last", "torch amp compiled", "torch amp compiled channels_last"]}
TORCH = pathlib.Path(__file__).resolve().parents[1] / "gpu_bundle/python/beside_torch.py"
LIMIT = 900  # seconds of one measurement; longer, and it hangs


def answer_of(command, what):
    """The JSON that a process prints; None where it failed, with its last words on stderr."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        print(f"{what}: no end after {LIMIT} s", file=sys.stderr)
        return None
    if done.returncode:
        print(f"{what}: exit code {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1] if command[0] == sys.executable else done.stdout)


def own_job(job):
    return [sys.executable, TORCH, json.dumps(job)]


def measure(job, alexnet):
    if job["program"] != "alexnet":
        return answer_of(own_job(job), job)
    return answer_of([alexnet, "bench", "--model", job["model"], "--batch", str(job["batch"]), "--precision", job["precision"],
                      "--device", job["device"], "--seconds", str(job["seconds"]), "--json"] +
                     ["--train"] * (job["mode"] == "train"), job)


def usable_gpus(alexnet):
    """The GPUs that the program can use, cuda:0 first; ends with its reason where there is none."""
    try:
        listed = json.loads(subprocess.run([alexnet, "devices", "--json"], check=True, capture_output=True, text=True).stdout)
    except OSError as error:
        sys.exit(f"bench-gpu: {alexnet} cannot be started: {error.strerror}; scripts/bench-gpu builds it")
    except subprocess.CalledProcessError as error:
        sys.exit(f"bench-gpu: {alexnet} devices: exit code {error.returncode}: {error.stderr.strip()}")
    gpus = [device for device in listed if device["name"].startswith("cuda:")]
    usable = [gpu for gpu in gpus if gpu["usable"]]
    if not usable:
        sys.exit(f"bench-gpu: no GPU can be used: {gpus[0]['reason'] if gpus else 'this build lists none'}")
    return usable


def torch_here(gpu):
    found = answer_of(own_job({"program": "probe"}), "torch") or {"reason": "torch fails when it is imported"}
    if "gpu" in found and found["gpu"] != gpu:
        found = {"reason": f"torch's first GPU is another: {found['gpu']}"}
    if "reason" in found:
        print(f"bench-gpu: measuring without torch: {found['reason']}", file=sys.stderr)
    return found


def jobs_of(arguments, with_torch, gpus):
    for mode, batches in (("infer", arguments.batches), ("train", [arguments.train_batch])):
        if arguments.only not in (None, mode):
            continue
        for precision in arguments.precisions:
            peers = (SINGLE if precision in ("fp32", "tf32") else HALF)[mode] if with_torch else []
            for batch in batches:
                for program in ["alexnet", *peers]:
                    yield {"model": "alexnet", "mode": mode, "batch": batch, "precision": precision, "device": "cuda:0",
                           "program": program, "seconds": arguments.seconds}
            for device in ("cuda:0", "cuda:0,cuda:1") if gpus > 1 else ():
                yield {"model": "alexnet-2012", "mode": mode, "batch": arguments.train_batch, "precision": precision,
                       "device": device, "program": "alexnet", "seconds": arguments.seconds}


KEY = ("model", "mode", "batch", "precision", "device", "program")


def middle(found, what="median_ms"):
    return statistics.median(f[what] for f in found)


def ratio(found, base):
    return statistics.median(f["median_ms"] / b["median_ms"] for f, b in zip(found, base))


def summary(results):
    """The two tables. Only what every round measured."""
    whole = {key: found for key, found in results.items() if all(found)}
    own, peers, towers = {}, {}, {}
    for (model, mode, batch, precision, device, program), found in whole.items():
        case = mode, batch, precision
        if model != "alexnet":
            towers.setdefault(case, {})[device] = found
        elif program == "alexnet":
            own[case] = found
        else:
            peers.setdefault(case, {})[program] = found
    beside = []
    for case in sorted(set(own) | set(peers), key=lambda c: (c[0], PRECISIONS.index(c[2]), c[1])):
        best = min(peers.get(case, {}), key=lambda program: middle(peers[case][program]), default=None)
        mine = own.get(case)
        beside.append({"mode": case[0], "batch": case[1], "precision": case[2], "alexnet_ms": mine and middle(mine),
                       "torch_best": best, "torch_best_ms": best and middle(peers[case][best]),
                       "torch_best_on_device_ms": best and middle(peers[case][best], "on_device_ms"),
                       "ratio": ratio(peers[case][best], mine) if best and mine else None})
    both = [{"mode": case[0], "batch": case[1], "precision": case[2], "one_gpu_ms": middle(found["cuda:0"]),
             "two_gpus_ms": middle(found["cuda:0,cuda:1"]), "gain": ratio(found["cuda:0"], found["cuda:0,cuda:1"])}
            for case, found in towers.items() if len(found) == 2]
    return beside, both


def cells(*values):
    return "| " + " | ".join("-" if v is None else f"{v:.2f}" if isinstance(v, float) else str(v) for v in values) + " |"


def table(beside, both):
    lines = ["| `alexnet` | batch | precision | libalexnet, ms | torch's best, ms | which | its pictures on the GPU already, ms | "
             "torch's best / libalexnet |", "|---|---:|---|---:|---:|---|---:|---:|"]
    lines += [cells(r["mode"], r["batch"], r["precision"], r["alexnet_ms"], r["torch_best_ms"], r["torch_best"],
                    r["torch_best_on_device_ms"], r["ratio"]) for r in beside]
    if both:
        lines += ["", "| `alexnet-2012` | batch | precision | one GPU, ms | two GPUs, ms | gain |", "|---|---:|---|---:|---:|---:|"]
        lines += [cells(*r.values()) for r in both]
    return "\n".join(lines)


def report(path, facts, results):
    beside, both = summary(results)
    measurements = []
    for key, rounds in results.items():
        found = [f for f in rounds if f]
        one = dict(zip(KEY, key)) | {"failed_rounds": len(rounds) - len(found)}
        if found:
            one |= {"median_ms": middle(found), "images_per_second": one["batch"] / middle(found) * 1e3}
            one |= {f"{name}_of_rounds": [f[name] for f in found]
                    for name in ("median_ms", "on_device_ms", "peak_gpu_mb") if name in found[0]}
        measurements.append(one)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts | {"torch_beside": beside, "two_gpus": both, "measurements": measurements}, indent=2) + "\n")
    return table(beside, both)


def commit():
    try:
        return subprocess.run(["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*"], check=True,
                              cwd=pathlib.Path(__file__).parent, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alexnet", default="build/release/bin/alexnet", help="the program")
    parser.add_argument("--only", choices=["infer", "train"], help="inference or training alone")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 128, 256], help="of inference")
    parser.add_argument("--train-batch", type=int, default=128, help="of training, and of alexnet-2012")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "docs/gpu",
                        help="the folder of the JSON document")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be 1 or more")
    gpus = usable_gpus(arguments.alexnet)
    gpu = gpus[0]["description"].split(",")[0]
    path = arguments.out / f"bench-{re.sub('[^A-Za-z0-9]+', '-', gpu).strip('-')}.json"
    torch = torch_here(gpu)
    if len(gpus) < 2:
        print("bench-gpu: one GPU can be used: alexnet-2012 on two is left out", file=sys.stderr)
    facts = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "gpu": gpu,
             "devices": {g["name"]: g["description"] for g in gpus}, "commit": commit(),
             "host": f"{platform.system()} {platform.machine()}", "torch": torch, "seconds": arguments.seconds}
    results = {}
    for done in range(1, arguments.rounds + 1):
        for job in jobs_of(arguments, "torch" in torch, len(gpus)):
            found = measure(job, arguments.alexnet)
            results.setdefault(tuple(job[name] for name in KEY), []).append(found)
            print(*(job[name] for name in KEY), found, file=sys.stderr, flush=True)
        text = report(path, facts | {"rounds": done}, results)  # after each, so that a run that is stopped leaves something
    print(f"{gpus[0]['description']}\n\n{text}\n\nThe median of {arguments.rounds} rounds; the last column is the median of their "
          f"ratios. Written to {path}.")
    if any(key[-1] == "alexnet" and not all(found) for key, found in results.items()):
        sys.exit("bench-gpu: some of libalexnet's own measurements failed, see above")


if __name__ == "__main__":
    main()
