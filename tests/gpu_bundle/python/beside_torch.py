#!/usr/bin/env python3
"""beside_torch.py [--weights FILE] JOB...: the speed of torch on this machine's GPU, one JSON object a line for each job.

A job is JSON: {"program": "torch amp compiled", "mode": "infer"|"train", "batch": 128, "precision": "fp16", "seconds": 1},
or {"program": "probe"}: what torch is here, or why it cannot be measured. Words of a program: channels_last; compiled, with
graphs by CUDA graphs; amp is autocast, half a network turned into the type. The network is torchvision's alexnet, with the
weights of FILE, a state_dict, where there is one.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time


def alexnet(torch):
    """torchvision's alexnet by the names of its weights, so that torchvision need not be there."""
    nn = torch.nn

    class AlexNet(nn.Module):
        def __init__(self):
            super().__init__()
            layers, channels = [], 3
            convolutions = [(64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1)]
            for index, (out, kernel, stride, pad) in enumerate(convolutions):
                layers += [nn.Conv2d(channels, out, kernel, stride, pad), nn.ReLU(inplace=True)]
                if index in (0, 1, 4):
                    layers.append(nn.MaxPool2d(3, 2))
                channels = out
            self.features = nn.Sequential(*layers)
            self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
            self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(inplace=True), nn.Dropout(),
                                            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000))

        def forward(self, x):
            return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    return AlexNet()


def weighted(torch, file):
    torch.manual_seed(0)
    net = alexnet(torch)
    if file and pathlib.Path(file).exists():
        net.load_state_dict(torch.load(file))
    return net


def probe():
    try:
        import torch
    except ImportError as error:
        return {"reason": f"torch cannot be imported: {error}"}
    if not torch.cuda.is_available():
        return {"reason": f"torch {torch.__version__} sees no GPU"}
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
            "gpu": torch.cuda.get_device_name(0)}


def prepared(job, weights):
    import torch

    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = job["precision"] != "fp32"
    words = job["program"].split()
    net, images = weighted(torch, weights), torch.randn(job["batch"], 3, 224, 224)
    layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(job["precision"])
    net = net.to("cuda", half if "half" in words else torch.float32, memory_format=layout)
    images = images.contiguous(memory_format=layout).pin_memory()

    def amp():
        return torch.autocast("cuda", half, enabled="amp" in words)

    def compiled(net):
        if "compiled" not in words:
            return net
        return torch.compile(net, mode="reduce-overhead" if "graphs" in words else "default")

    return torch, net, images, half if "half" in words else None, amp, compiled


def torch_inference(job, weights):
    torch, net, images, half, amp, compiled = prepared(job, weights)
    net = compiled(net.eval())
    here = images.to("cuda")

    def run(from_host):
        with torch.inference_mode(), amp():
            x = images.to("cuda", non_blocking=True) if from_host else here
            answer = torch.softmax(net(x if half is None else x.to(half)).float(), 1)
        if from_host:
            answer.cpu()

    return torch, run


def torch_training(job, weights):
    torch, net, images, _, amp, compiled = prepared(job, weights)
    solver = torch.optim.SGD(net.parameters(), 1e-6, momentum=0.9, weight_decay=5e-4, fused=True)
    scaler = torch.amp.GradScaler("cuda", enabled=job["precision"] == "fp16")
    labels = (torch.arange(job["batch"]) % 1000).pin_memory()
    forward = compiled(net.train())
    here = images.to("cuda"), labels.to("cuda")

    def run(from_host):
        x, y = (t.to("cuda", non_blocking=True) for t in (images, labels)) if from_host else here
        solver.zero_grad()
        with amp():
            loss = torch.nn.functional.cross_entropy(forward(x), y)
        scaler.scale(loss).backward()
        scaler.step(solver)
        scaler.update()
        if from_host:
            loss.item()

    return torch, run


def median_ms(torch, run, seconds):
    def once():
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    spent, warm = 0.0, 0
    while warm < 10 or spent < 0.5:  # the first compile, choose algorithms and record graphs
        spent += once()
        warm += 1
    times = []
    while sum(times) < seconds or len(times) < 5:
        times.append(once())
    return statistics.median(times) * 1e3


def measure(job, weights):
    if job["program"] == "probe":
        return probe()
    torch, run = (torch_training if job["mode"] == "train" else torch_inference)(job, weights)
    torch.cuda.reset_peak_memory_stats()
    found = {"median_ms": median_ms(torch, lambda: run(True), job["seconds"])}
    found["on_device_ms"] = median_ms(torch, lambda: run(False), job["seconds"])
    found["peak_gpu_mb"] = torch.cuda.max_memory_reserved() / 1e6
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights")
    parser.add_argument("jobs", nargs="+", type=json.loads, metavar="JOB")
    arguments = parser.parse_args()
    reason = probe().get("reason")
    for job in arguments.jobs:
        if reason and job["program"] != "probe":
            print(json.dumps({"reason": reason}), flush=True)
            continue
        print(json.dumps(job | measure(job, arguments.weights)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
