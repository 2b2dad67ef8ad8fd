#!/usr/bin/env python3
"""kernels.py DEVICE BATCH PRECISION WEIGHTS: torch's weights, torch's answers, and every GPU kernel of one inference.

Runs libalexnet by its C interface inside torch's process: both have the same weights (WEIGHTS, written here where it is
not there yet), the same pictures and the same libraries, and torch's profiler sees the kernels of both. Without torch it
classifies noise with the bundled weights, so that the calls themselves are tried.
"""
import ctypes
import json
import pathlib
import random
import sys

import beside_torch

HERE = pathlib.Path(__file__).resolve().parent.parent
PRECISIONS = {"fp32": 0, "fp16": 1, "bf16": 2, "tf32": 4}
ALLOWED = {"fp32": 1e-4, "tf32": 2e-3, "fp16": 1e-2, "bf16": 5e-2}  # of the largest probability


class Session:
    """The bundle's library with one model on one device."""

    def __init__(self, model, network, device, batch, precision):
        self.library = ctypes.CDLL(str(HERE / "lib" / "libalexnet.so.1"))
        self.library.alexnet_last_error.restype = ctypes.c_char_p
        self.batch = batch
        context, opened, options, self.session = (ctypes.c_void_p() for _ in range(4))
        self.call("context_create", ctypes.byref(context))
        self.call("model_open", context, str(model).encode(), network, ctypes.byref(opened))
        height, width = ctypes.c_int64(), ctypes.c_int64()
        self.call("model_input_size", opened, ctypes.byref(height), ctypes.byref(width))
        self.pixels = 3 * height.value * width.value
        self.call("session_options_create", ctypes.byref(options))
        self.call("session_options_set_device", options, device.encode())
        self.call("session_options_set_batch", options, ctypes.c_int64(batch))
        self.call("session_options_set_precision", options, ctypes.c_int32(PRECISIONS[precision]))
        self.call("session_create", opened, options, ctypes.byref(self.session))

    def call(self, name, *arguments):
        if getattr(self.library, "alexnet_" + name)(*arguments):
            sys.exit(f"kernels.py: alexnet_{name}: {self.library.alexnet_last_error().decode()}")

    def run(self, address):
        """Probabilities of the batch of floats that lies there, one after the other."""
        result, answers = ctypes.c_void_p(), []
        self.call("session_run_tensor", self.session, ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), ctypes.c_int64(self.batch),
                  ctypes.byref(result))
        for image in range(self.batch):
            values, count = ctypes.POINTER(ctypes.c_float)(), ctypes.c_int64()
            self.call("result_probabilities", result, ctypes.c_int64(image), ctypes.byref(values), ctypes.byref(count))
            answers += values[:count.value]
        self.library.alexnet_result_free(result)
        return answers


def without_torch(device, batch, precision):
    session = Session(HERE / "share" / "alexnet" / "alexnet-cifar10.safetensors", None, device, batch, precision)
    draw = random.Random(1)
    noise = (ctypes.c_float * (session.pixels * batch))(*(draw.uniform(-1, 1) for _ in range(session.pixels * batch)))
    first, again = (session.run(ctypes.addressof(noise)) for _ in range(2))
    if first != again or abs(sum(first) - batch) > 1e-2 * batch:
        sys.exit(f"kernels.py: probabilities sum up to {sum(first)} and {sum(again)} instead of {batch}")


def beside(torch, device, batch, precision, weights):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    net = beside_torch.weighted(torch, weights).eval()
    if not pathlib.Path(weights).exists():
        torch.save(net.state_dict(), weights)
    images = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted = torch.softmax(net.to("cuda")(images.to("cuda")), 1).cpu()
    session = Session(weights, b"alexnet", device, batch, precision)
    got = torch.tensor(session.run(images.data_ptr())).reshape(wanted.shape)
    difference = float((got - wanted).abs().max() / wanted.max())
    at = [int(i) for i in divmod(int((got - wanted).abs().argmax()), wanted.shape[1])]
    print(json.dumps({"difference": difference, "allowed": ALLOWED[precision], "furthest": at, "got": float(got[tuple(at)]),
                      "wanted": float(wanted[tuple(at)])}))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]) as seen:
        for _ in range(2):  # recorded, then replayed
            session.run(images.data_ptr())
    for event in sorted(seen.events(), key=lambda event: event.time_range.start):
        if str(event.device_type).endswith("CUDA"):
            print(json.dumps({"kernel": event.name[:160], "us": round(event.device_time, 2)}))


def main():
    device, batch, precision, weights = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    reason = beside_torch.probe().get("reason")
    if reason:
        without_torch(device, batch, precision)
        print(json.dumps({"reason": reason}))
        return
    import torch

    beside(torch, device, batch, precision, weights)


main()
