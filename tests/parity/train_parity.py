#!/usr/bin/env python3
"""Trains networks beside torch: same initial weights, same pictures in the same order, torch in float64.

    python3 train_parity.py LIBALEXNET.SO [CASE...]      # needs torch, safetensors, numpy; cases: see CASES

Prints for each case the largest relative difference of the loss over the first 10 steps and at the last of 50, and of any
parameter's gradient at the first step (L2 of the difference over L2 of the gradient); fails beyond 1e-4, 1e-2 and 1e-4. The
networks are those of golden/make_networks.py, written a second time for torch; the order of the pictures and dropout's masks
follow core/random.h. Inputs come from alexnet_model_preprocess, since it is training that is compared here.
"""
import ctypes
import os
import pathlib
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import make_networks as golden  # noqa: E402

STEPS, SEED = 50, 7
MASK = (1 << 64) - 1


class Library:
    """The C ABI, by name: a status that is not OK becomes an exception with the library's text."""

    def __init__(self, path):
        self.so = ctypes.CDLL(path)
        self.so.alexnet_last_error.restype = ctypes.c_char_p

    def __call__(self, name, *args):
        if getattr(self.so, "alexnet_" + name)(*[a.encode() if isinstance(a, str) else a for a in args]) != 0:
            raise RuntimeError(f"{name}: {self.so.alexnet_last_error().decode()}")

    def make(self, name, *args):
        handle = ctypes.c_void_p()
        self(name, *args, ctypes.byref(handle))
        return handle


class Random:
    """core/random.h: Philox4x32-10, keyed by seed and stream, counting index and step."""

    def __init__(self, seed, stream, step):
        stream = golden.fnv1a64(stream)
        self.key = (seed ^ stream) & MASK
        self.step = self.mix(step ^ self.mix(stream))

    @staticmethod
    def mix(x):
        return int(golden.mix64(np.array([x], np.uint64))[0])

    def words(self, index):
        low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
        index = np.asarray(index, np.uint64)
        c = [index & low, index >> high, np.uint64(self.step) & low, np.uint64(self.step) >> high]
        k = [np.uint64(self.key) & low, np.uint64(self.key) >> high]
        for _ in range(10):
            p = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
            c = [(p[1] >> high) ^ c[1] ^ k[0], p[1] & low, (p[0] >> high) ^ c[3] ^ k[1], p[0] & low]
            k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
        return c

    def uniform(self, count):
        return (self.words(np.arange(count, dtype=np.uint64))[0] >> np.uint64(8)).astype(np.float64) * 2.0**-24

    def below(self, index, n):
        w = self.words(index)
        return ((int(w[1]) << 32 | int(w[0])) * n) >> 64


def epoch_order(n, epoch):
    order, random = list(range(n)), Random(SEED, "order", epoch)
    for i in range(n, 1, -1):
        j = random.below(i - 1, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


class Net(golden.Net):
    """The golden networks with given parameters, and dropout as the library draws it."""

    def __init__(self, params, dropped):
        super().__init__(1)
        self.params = {name: torch.from_numpy(value).double().requires_grad_() for name, value in params.items()}
        self.training, self.dropped, self.step, self.call = True, dropped, 0, 0

    def weights(self, name, shape, last):
        return self.params[name + ".weight"], self.params[name + ".bias"]

    def halve(self, x):  # before fc7a, before fc7b, before fc8
        names = ["drop6a", "drop6b"] if self.call < 2 else ["drop7"]
        self.call += 1
        if not self.dropped:
            return x
        width = x.shape[1] // len(names)
        masks = [Random(SEED, name, self.step).uniform(len(x) * width).reshape(len(x), width) >= 0.5 for name in names]
        return x * torch.from_numpy(np.concatenate(masks, 1))


# name: (network, side of the input, classes, batch, pictures, rate, dropout)
CASES = {
    "alexnet-2012": ("alexnet-2012", 99, 8, 8, 32, 0.01, False),
    "alexnet-2012 dropout": ("alexnet-2012", 99, 8, 8, 32, 0.01, True),
    "alexnet-caffe": ("alexnet-caffe", 67, 8, 4, 16, 0.01, False),
    "alexnet": ("alexnet", 64, 1000, 4, 16, 0.01, False),
    "alexnet-cifar10": ("alexnet-cifar10", 32, 10, 32, 128, 0.002, False),
    "fig1-relu": ("fig1-relu", 32, 10, 32, 128, 0.001, False),
    "fig1-tanh": ("fig1-tanh", 32, 10, 32, 128, 0.001, False),
    "convnet-18pct": ("convnet-18pct", 32, 10, 32, 128, 0.001, False),
}


class Case:
    def __init__(self, lib, name):
        self.lib = lib
        self.network, self.side, self.classes, self.batch, self.count, self.rate, self.dropped = CASES[name]
        self.folder = tempfile.TemporaryDirectory()
        pixels = np.random.default_rng(3).integers(0, 256, (self.count, self.side, self.side, 3), np.uint8)
        self.labels = np.arange(self.count) * 37 % self.classes
        self.images = [lib.make("image_create") for _ in range(self.count)]
        names = (ctypes.c_char_p * self.classes)(*[b"class %d" % i for i in range(self.classes)])
        self.data = lib.make("dataset_create", names, ctypes.c_int64(self.classes))
        for image, picture, label in zip(self.images, pixels, self.labels):
            picture += (label * 20 % 100).astype(np.uint8) // 2  # something to learn
            lib("image_set_pixels", image, picture.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(self.side),
                ctypes.c_int64(self.side), ctypes.c_int64(0), ctypes.c_int32(0))
            lib("dataset_add", self.data, image, ctypes.c_int64(int(label)))

    def trainer(self, decay=None):
        options = self.lib.make("train_options_create")

        def put(name, *values):
            self.lib("train_options_set_" + name, options, *values)

        put("batch", ctypes.c_int64(self.batch))
        put("epochs", ctypes.c_int64(STEPS))
        put("learning_rate", ctypes.c_double(self.rate))
        put("schedule", "constant")
        put("augmentation", ctypes.c_int32(0), ctypes.c_int32(0), ctypes.c_int64(0))
        put("color_noise", ctypes.c_double(0))
        put("mean", "fixed")
        put("seed", ctypes.c_uint64(SEED))
        put("dropout", ctypes.c_int32(int(self.dropped)))
        put("input_size", ctypes.c_int64(self.side))
        if decay is not None:
            put("weight_decay", ctypes.c_double(decay))
        return self.lib.make("trainer_create", None, self.network, self.data, options)

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def inputs(self):
        """What the network reads for each picture."""
        model = self.lib.make("model_open", None, self.file("start"), None)
        size = 3 * self.side * self.side
        values = np.empty((self.count, 3, self.side, self.side), np.float32)
        for image, out in zip(self.images, values):
            self.lib("model_preprocess", model, image, ctypes.c_int32(1), out.ctypes.data_as(ctypes.c_void_p),
                     ctypes.c_int64(size))
        self.lib.so.alexnet_model_free(model)
        return torch.from_numpy(values).double()

    def ours(self):
        """Initial weights, gradients of the first step, losses."""
        trainer = self.trainer(decay=0)
        self.lib("trainer_save_checkpoint", trainer, self.file("start"))
        start = {k: v for k, v in load_file(self.file("start")).items() if not k.startswith("optimizer.")}
        self.lib("trainer_step", trainer, None, None)
        self.lib("trainer_save_checkpoint", trainer, self.file("one"))
        self.lib.so.alexnet_trainer_free(trainer)
        velocity = {k.removeprefix("optimizer.velocity."): v for k, v in load_file(self.file("one")).items() if "velocity" in k}
        trainer, losses, loss = self.trainer(), [], ctypes.c_double()
        for _ in range(STEPS):
            self.lib("trainer_step", trainer, ctypes.byref(loss), None)
            losses.append(loss.value)
        self.lib.so.alexnet_trainer_free(trainer)
        return start, velocity, losses

    def theirs(self, start):
        """The same by torch. Biases learn twice as fast and do not decay, as in the networks' sources, torchvision's apart."""
        net, data = Net(start, self.dropped), self.inputs()
        torchs = self.network == "alexnet"
        momentum, decay = 0.9, {"alexnet": 1e-4, "fig1-relu": 0, "fig1-tanh": 0, "convnet-18pct": 4e-3}.get(self.network, 5e-4)
        velocity = {name: torch.zeros_like(p) for name, p in net.params.items()}
        losses, gradients = [], None
        per_epoch = self.count // self.batch
        for step in range(STEPS):
            rows = epoch_order(self.count, step // per_epoch)[step % per_epoch * self.batch :][: self.batch]
            net.step, net.call = step, 0
            logits = golden.NETWORKS[self.network][0](net, data[rows])
            loss = F.cross_entropy(logits, torch.from_numpy(self.labels[rows]))
            grads = torch.autograd.grad(loss, list(net.params.values()))
            gradients = gradients or dict(zip(net.params, grads))
            losses.append(loss.item())
            with torch.no_grad():
                for (name, p), g in zip(net.params.items(), grads):
                    bias = name.endswith(".bias") and not torchs
                    rate = self.rate * (2 if bias else 1)
                    stronger = 250 if (self.network, name) == ("convnet-18pct", "fc4.weight") else 1
                    v, pull = velocity[name], g + (0 if bias else decay * stronger) * p
                    v.mul_(momentum).add_(pull, alpha=1 if torchs else -rate)
                    p.add_(v, alpha=-rate if torchs else 1)
        return gradients, losses, (lambda name: 1 if torchs else -self.rate * (2 if name.endswith(".bias") else 1))

    def run(self, name):
        start, velocity, ours = self.ours()
        gradients, theirs, scale = self.theirs(start)
        worst, where = 0, ""
        for key, want in gradients.items():
            difference = (torch.from_numpy(velocity[key]).double() / scale(key) - want).norm() / want.norm().clamp(min=1e-300)
            if difference > worst:
                worst, where = difference.item(), key
        relative = [abs(a - b) / abs(b) for a, b in zip(ours, theirs)]
        ok = max(relative[:10]) <= 1e-4 and relative[-1] <= 1e-2 and worst <= 1e-4
        print(f"{name}: loss {theirs[0]:.4f} -> {theirs[-1]:.4f}; steps 1..10 within {max(relative[:10]):.1e}, step {STEPS} "
              f"{relative[-1]:.1e}; gradients within {worst:.1e} ({where}){'' if ok else '   FAILED'}", flush=True)
        return ok


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    library = Library(sys.argv[1])
    results = [Case(library, name).run(name) for name in sys.argv[2:] or CASES]
    sys.exit(0 if all(results) else 1)
