#!/usr/bin/env python3
"""Measures libalexnet beside its peers, in turn, on this machine: time of a batch and peak memory of the process.

    python3 peers.py [--alexnet build/release/bin/alexnet] [--train] [--rounds 3] [--out FILE.md]

Needs torch, torchvision, onnx, onnxruntime, openvino. Every measurement is a process of its own with the same threads,
fp32, the same network (torchvision's alexnet; in training alexnet-cifar10 too), data in memory, warmed up, the median
over --seconds. Rounds go through all programs in turn, so that slow drifts of the machine meet everybody. A program
whose process fails is named on stderr and left out of the table. `--alexnet ""` measures the peers alone.
"""
import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

INFERENCE = ["alexnet", "torch", "torch channels_last", "torch compiled", "onnxruntime", "openvino"]
TRAINING = ["alexnet", "torch", "torch channels_last", "torch compiled"]


def torch_network(name):
    import torch
    from torch import nn

    torch.manual_seed(0)
    if name == "alexnet":
        import torchvision
        return torchvision.models.alexnet(), (3, 224, 224)

    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]

    norm_pool = [nn.LocalResponseNorm(5, alpha=0.05), nn.MaxPool2d(3, 2, ceil_mode=True)]
    return nn.Sequential(*block(3, 32), *norm_pool, *block(32, 64), *norm_pool, *block(64, 96), *block(96, 96),
                         norm_pool[1], nn.Dropout(0.3), nn.Flatten(), nn.Linear(1536, 192), nn.ReLU(), nn.Dropout(0.3),
                         nn.Linear(192, 10)), (3, 32, 32)


def torch_prepared(job):
    import torch

    torch.set_num_threads(job["threads"])
    net, shape = torch_network(job["model"])
    images = torch.randn(job["batch"], *shape)
    if "channels_last" in job["program"]:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    return torch, net, images


def torch_inference(job):
    torch, net, images = torch_prepared(job)
    net.eval()
    if "compiled" in job["program"]:
        import torch._inductor.config
        torch._inductor.config.freezing = True
        net = torch.compile(net)

    def run():
        with torch.inference_mode():
            torch.softmax(net(images), 1)

    return run


def torch_training(job):
    torch, net, images = torch_prepared(job)
    solver = torch.optim.SGD(net.parameters(), 1e-6, momentum=0.9, weight_decay=5e-4, fused=True)
    labels = torch.arange(job["batch"]) % net(images[:1]).shape[1]
    forward = torch.compile(net) if "compiled" in job["program"] else net

    def run():
        solver.zero_grad()
        torch.nn.functional.cross_entropy(forward(images), labels).backward()
        solver.step()

    return run


def pictures(job):
    import numpy as np
    return np.random.default_rng(0).standard_normal((job["batch"], 3, 224, 224), np.float32)


def onnxruntime_inference(job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job["threads"], 1
    session = onnxruntime.InferenceSession(job["onnx"], options, providers=["CPUExecutionProvider"])
    images = pictures(job)
    return lambda: session.run(None, {"images": images})


def openvino_inference(job):
    import openvino

    core = openvino.Core()
    model = core.read_model(job["onnx"])
    model.reshape([job["batch"], 3, 224, 224])
    request = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": job["threads"], "PERFORMANCE_HINT": "LATENCY",
                                                "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    images = pictures(job)
    return lambda: request.infer([images])


def measure_peer(job):
    if job["program"] == "export":
        return write_onnx(job["onnx"])
    if job["program"].startswith("torch"):
        run = torch_training(job) if job["train"] else torch_inference(job)
    else:
        run = {"onnxruntime": onnxruntime_inference, "openvino": openvino_inference}[job["program"]](job)
    for _ in range(2):
        run()
    times = []
    while sum(times) < job["seconds"] or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return {"median_ms": statistics.median(times) * 1e3,
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def measure(job, alexnet):
    """In a process of its own. None where the program could not do it."""
    if job["program"] == "alexnet":
        command = [alexnet, "bench", "--model", job["model"], "--batch", str(job["batch"]), "--threads",
                   str(job["threads"]), "--seconds", str(job["seconds"]), "--json"] + ["--train"] * job["train"]
    else:
        command = [sys.executable, __file__, "--job", json.dumps(job)]
    environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        print(f"{job}: exit code {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout[done.stdout.index("{"):])


def write_onnx(path):
    import torch

    net, shape = torch_network("alexnet")
    torch.onnx.export(torch.nn.Sequential(net.eval(), torch.nn.Softmax(1)), torch.zeros(1, *shape), path, dynamo=False,
                      input_names=["images"], output_names=["probabilities"],
                      dynamic_axes={"images": {0: "batch"}, "probabilities": {0: "batch"}})


def machine(threads):
    cpu = platform.processor()
    flags = set()
    if os.path.exists("/proc/cpuinfo"):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                cpu = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    sets = [s for s in ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile") if s in flags]
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("torch", "torchvision", "onnxruntime", "openvino"))
    return (f"{cpu}, {os.cpu_count()} cores seen, {threads} threads used; {' '.join(sets)}; "
            f"{platform.system()} {platform.machine()}; {versions}; {datetime.date.today()}.")


def load():
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def table(results, rounds):
    lines = ["| model | mode | batch | program | ms (median of rounds) | ms (best round) | images/s | time, alexnet = 1 | "
             "peak MB |", "|---|---|---:|---|---:|---:|---:|---:|---:|"]
    for (model, mode, batch), programs in results.items():
        own = programs.get("alexnet")
        for program, found in programs.items():
            if not all(found):
                continue
            times = [f["median_ms"] for f in found]
            ratio = "-"
            if own and all(own):
                ratio = f"{statistics.median(t / o['median_ms'] for t, o in zip(times, own)):.2f}"
            middle = statistics.median(times)
            lines.append(f"| {model} | {mode} | {batch} | {program} | {middle:.2f} | {min(times):.2f} | "
                         f"{batch / middle * 1e3:.0f} | {ratio} | {max(f['peak_rss_mb'] for f in found):.0f} |")
    return "\n".join(lines) + f"\n\nAll programs in turn in each of {rounds} rounds."


def jobs_of(arguments, onnx):
    common = {"threads": arguments.threads, "seconds": arguments.seconds, "onnx": onnx}
    jobs = [("alexnet", False, batch) for batch in arguments.batches]
    if arguments.train:
        jobs = [("alexnet", True, 32), ("alexnet", True, 128), ("alexnet-cifar10", True, 128)]
    for model, train, batch in jobs:
        for program in TRAINING if train else INFERENCE:
            if program != "alexnet" or arguments.alexnet:
                yield common | {"model": model, "train": train, "batch": batch, "program": program}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alexnet", default="build/release/bin/alexnet", help="the program; empty: the peers alone")
    parser.add_argument("--train", action="store_true", help="training steps instead of inference")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 128], help="of inference")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--onnx", help="keep the exported network here")
    parser.add_argument("--out", help="write the table here too")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(measure_peer(arguments.job)))
        return
    with tempfile.TemporaryDirectory() as folder:
        onnx = arguments.onnx or f"{folder}/alexnet.onnx"
        if not arguments.train:  # not in this process: Linux hands its peak memory on to those that it starts
            subprocess.run([sys.executable, __file__, "--job", json.dumps({"program": "export", "onnx": onnx})], check=True,
                           stderr=subprocess.DEVNULL)
        results, load_before = {}, load()
        for _ in range(arguments.rounds):
            for job in jobs_of(arguments, onnx):
                key = job["model"], "train" if job["train"] else "infer", job["batch"]
                found = measure(job, arguments.alexnet)
                results.setdefault(key, {}).setdefault(job["program"], []).append(found)
                print(*key, job["program"], found, file=sys.stderr, flush=True)
    text = machine(arguments.threads) + "\n\n" + table(results, arguments.rounds)
    text += f" The machine's load average was {load_before} before and {load()} at the end.\n"
    print(text)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text)


if __name__ == "__main__":
    main()
