"""One step of scripts/bench-peers, in a process of its own: bench_peers_job.py JOB, JOB a JSON object; the answer is JSON.

torch is imported by those alone that measure it or need it: it would count as the others' memory.
"""
import json
import pathlib
import resource
import statistics
import sys
import time

import numpy as np

sys.dont_write_bytecode = True  # it would lie in the source tree

CLASSES = 4  # of the pictures that outputs are compared on
PICTURES = 8


def prepare(job):
    """Weights, the same network for the other programs, and pictures in folders of classes."""
    import safetensors.torch
    from PIL import Image

    import bench_peers_networks as networks

    folder = pathlib.Path(job["folder"])
    net, side = networks.drawn(job["network"])
    safetensors.torch.save_file(net.state_dict(), folder / "plain.safetensors")
    random, large = np.random.default_rng(0), 256 if side > 64 else side
    for i in range(PICTURES):
        place = folder / "pictures" / f"class{i * CLASSES // PICTURES}"
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).resize((large, large))
        noise = random.integers(-20, 21, (large, large, 3))
        Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8)).save(place / f"{i}.png")
    if "onnx" in job["kinds"]:
        networks.write_onnx(net, side, folder / "net.onnx")
    if "ncnn" in job["kinds"]:
        networks.write_ncnn(net, side, folder / "net")
    return {"side": side}


def inputs(job):
    """What `alexnet features` gives its network for the pictures, by the file's own words."""
    import safetensors
    from PIL import Image

    with safetensors.safe_open(pathlib.Path(job["folder"]) / "own.safetensors", "numpy") as file:
        rules = json.loads(file.metadata()["alexnet.input"])
    out = []
    for path in sorted((pathlib.Path(job["folder"]) / "pictures").rglob("*.png")):
        pixels = np.asarray(Image.open(path), np.float32)  # already of the size that others are resized to
        top, left = (pixels.shape[0] - rules["height"]) // 2, (pixels.shape[1] - rules["width"]) // 2
        pixels = pixels[top : top + rules["height"], left : left + rules["width"]]
        pixels = pixels[..., ::-1] if rules["channel_order"] == "BGR" else pixels
        # "scale" is what white becomes.
        pixels = (pixels / 255 * rules["scale"] - rules["mean"]) / rules["std"]
        out.append(pixels.transpose(2, 0, 1))
    return np.ascontiguousarray(out, np.float32)


def noise(job):
    return np.random.default_rng(0).standard_normal((job["batch"], 3, job["side"], job["side"]), np.float32)


def torch_forward(job, net, images):
    """(callable network, images as a tensor) in the way that the program's name says."""
    import torch

    torch.set_num_threads(job["threads"])
    images = torch.from_numpy(images)
    if "channels-last" in job["program"]:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    if "compiled" in job["program"]:
        import torch._inductor.config
        torch._inductor.config.freezing = not net.training
        return torch.compile(net), images
    return net, images


def torch_inference(job, images):
    import safetensors.torch
    import torch

    import bench_peers_networks as networks

    net, _ = networks.network(job["network"])
    net.load_state_dict(safetensors.torch.load_file(pathlib.Path(job["folder"]) / "plain.safetensors"))
    forward, images = torch_forward(job, net.eval(), images)

    def run():
        with torch.inference_mode():
            logits = forward(images)
            return logits, torch.softmax(logits, 1)

    return lambda: run()[0].numpy(), run


def torch_training(job, images):
    import torch

    import bench_peers_networks as networks

    net, _ = networks.network(job["network"])
    forward, images = torch_forward(job, net.train(), images)
    solver = torch.optim.SGD(net.parameters(), 1e-6, momentum=0.9, weight_decay=5e-4, fused=True)
    labels = torch.arange(job["batch"]) % 10

    def run():
        solver.zero_grad()
        torch.nn.functional.cross_entropy(forward(images), labels).backward()
        solver.step()

    return run


def onnxruntime_inference(job, images):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job["threads"], 1
    options.add_free_dimension_override_by_name("batch", len(images))
    session = onnxruntime.InferenceSession(pathlib.Path(job["folder"]) / "net.onnx", options,
                                           providers=["CPUExecutionProvider"])
    return (lambda: session.run(["logits"], {"images": images})[0],
            lambda: session.run(["probabilities"], {"images": images}))


def openvino_inference(job, images):
    import openvino

    core = openvino.Core()
    model = core.read_model(pathlib.Path(job["folder"]) / "net.onnx")
    model.reshape(list(images.shape))
    request = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": job["threads"], "PERFORMANCE_HINT": "LATENCY",
                                                "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    return lambda: request.infer([images])["logits"], lambda: request.infer([images])


def ncnn_inference(job, images):
    import ncnn

    net = ncnn.Net()
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        setattr(net.opt, f"use_{name}", False)
    net.opt.num_threads = job["threads"]
    for load, end in ((net.load_param, "param"), (net.load_model, "bin")):
        if load(str(pathlib.Path(job["folder"]) / f"net.ncnn.{end}")):
            raise RuntimeError(f"ncnn does not read net.ncnn.{end}")

    def run(image, output):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image))
        failed, out = extractor.extract(output)
        if failed:
            raise RuntimeError(f"ncnn gives no {output}")
        return np.array(out)

    return lambda: np.stack([run(image, "out0") for image in images]), lambda: run(images[0], "out1")


def inference(job, images):
    """(function that gives the logits, function to measure)"""
    if job["program"].startswith("torch"):
        return torch_inference(job, images)
    return {"onnxruntime": onnxruntime_inference, "openvino": openvino_inference, "ncnn": ncnn_inference}[job["program"]](
        job, images)


def check_infer(job):
    """The largest difference of a logit from libalexnet's, over the largest logit."""
    from safetensors.numpy import load_file

    want = load_file(pathlib.Path(job["folder"]) / "features.safetensors")["features"]
    got = inference(job, inputs(job))[0]()
    return {"logits": float(np.abs(got - want).max() / np.abs(want).max())}


def check_train(job):
    """Relative differences of the loss, and of what one step adds to any parameter, from libalexnet's own."""
    import torch
    from safetensors.torch import load_file

    import bench_peers_networks as networks

    before, after = (load_file(pathlib.Path(job["folder"]) / f"step{i}.safetensors") for i in (1, 2))
    net, _ = networks.network(job["network"], CLASSES)
    names = list(net.state_dict())
    net.load_state_dict({name: before[name] for name in names})
    forward, images = torch_forward(job, networks.without_dropout(net).train(), inputs(job))
    loss = torch.nn.functional.cross_entropy(forward(images), torch.arange(PICTURES) * CLASSES // PICTURES)
    loss.backward()
    worst = 0.0
    for name, parameter in net.named_parameters():
        # Biases learn twice as fast, as in the networks' sources, torchvision's apart.
        rate = job["rate"] * (2 if name.endswith("bias") and job["network"] != "alexnet" else 1)
        want = after[name] - before[name]
        gap = (-rate * parameter.grad - want).norm() / (want.norm() + 1e-5 * before[name].norm())  # rounding of weights
        worst = max(worst, gap.item())
    return {"loss": abs(loss.item() / job["loss"] - 1), "step": worst}


def measure(job):
    run = torch_training(job, noise(job)) if job["phase"] == "train" else inference(job, noise(job))[1]
    for _ in range(2):
        run()
    times = []
    while sum(times) < job["seconds"] or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return {"median_ms": statistics.median(times) * 1e3,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def versions(job):
    import importlib.metadata

    found = {}
    for package in job["packages"]:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    steps = {"prepare": prepare, "check infer": check_infer, "check train": check_train, "measure": measure,
             "versions": versions}
    print("\n" + json.dumps(steps[task["step"]](task)))
