#!/usr/bin/env python3
"""Writes networks/NAME.safetensors: every network of the zoo as torch computes it in float64, batch 2.

    python3 make_networks.py [NAME...]      # needs torch, torchvision, safetensors; written with torch 2.15
    python3 make_networks.py --check-onnx   # alexnet-caffe and caffenet once more, by onnxruntime

The networks are written here a second time, from the publications, not from src/models. Nothing random is stored:
weights and input come from `draw`, which tests/golden_test.cpp repeats. README.md tells what a file holds.
"""
import argparse
import itertools
import json
import math
import pathlib

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
import torchvision

BATCH = 2
SAMPLES = 8
MARGIN = 4e-6  # some ten times the rounding of a float32 pass
HERE = pathlib.Path(__file__).parent


def fnv1a64(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def mix64(x):
    """The finaliser of SplitMix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def draw(name, shape, bound):
    """Uniform in [-bound, bound), rounded to float32: element i depends on the name and i alone."""
    out = np.empty(math.prod(shape), np.float32)
    part = 1 << 22
    for first in range(0, out.size, part):
        index = np.arange(first, min(first + part, out.size), dtype=np.uint64) + np.uint64(fnv1a64(name))
        unit = (mix64(index) >> np.uint64(40)).astype(np.float64) * 2.0**-24
        out[first : first + part] = (unit - 0.5) * 2 * bound
    return torch.from_numpy(out.reshape(shape)).double()


class Net:
    """One forward pass. Layers draw their parameters when they are first asked for."""

    def __init__(self, scale):
        self.scale = scale  # bound of the input, and so the size of all activations before the logits
        self.params, self.bounds = {}, {}
        self.training = False
        self.seen = {}
        self.margin = math.inf  # see `keep_away`

    def param(self, name, shape, bound):
        if name not in self.params:
            self.params[name] = draw(name, shape, bound).requires_grad_()
            self.bounds[name] = bound
        return self.params[name]

    def weights(self, name, shape, last):
        bound, bias_bound = math.sqrt(6 / math.prod(shape[1:])), 0.1 * self.scale
        if last:  # logits of size 1: softmax is not saturated
            bound, bias_bound = bound / self.scale, 0.1
        return self.param(f"{name}.weight", shape, bound), self.param(f"{name}.bias", shape[:1], bias_bound)

    def conv(self, name, x, out, kernel, stride=1, pad=0, groups=1):
        return F.conv2d(x, *self.weights(name, (out, x.shape[1] // groups, kernel, kernel), False), stride, pad,
                        groups=groups)

    def fc(self, name, x, out, last=False):
        x = x.flatten(1)
        return F.linear(x, *self.weights(name, (out, x.shape[1]), last))

    def keep_away(self, distances, x):
        """Where a ReLU's input is near 0 or two entries of a pooling window are nearly equal, rounding decides where
        gradients go. The margin is the nearest such case of the pass, relative to the activations' size."""
        if not self.training and x.dtype == torch.float64 and distances.numel():
            self.margin = min(self.margin, (distances.min() / x.detach().pow(2).mean().sqrt()).item())

    def relu(self, x):
        self.keep_away(x.detach().abs(), x)
        return F.relu(x)

    def pool(self, x, ceil=False):
        y = F.max_pool2d(x, 3, 2, ceil_mode=ceil)
        overhang = 2 * y.shape[2] + 1 - x.shape[2]
        inside = F.pad(x.detach(), (0, overhang) * 2 if overhang > 0 else (0,) * 4, value=-math.inf)
        first, second = inside.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4).topk(2).values.unbind(-1)
        # A window of zeros out of a ReLU passes nothing on.
        self.keep_away(torch.minimum(first - second, first.abs())[first != 0], x)
        return y

    def see(self, name, x):
        self.seen[name] = x.detach().norm().item()
        return x

    def halve(self, x):
        """The paper's dropout: outputs are multiplied by the keep probability in inference; here never dropped."""
        return x if self.training else x * 0.5


def lrn(x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    squares = F.pad(x * x, (0, 0, 0, 0, size // 2, size // 2))
    sums = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x * (k + alpha / size * sums) ** -beta


def spatial_norm(x, size=5, k=1.0, alpha=1e-3, beta=0.75):
    sums = F.avg_pool2d(x * x, size, 1, size // 2, divisor_override=1)
    return x * (k + alpha / size**2 * sums) ** -beta


def both(towers):
    return torch.cat(towers, 1)


def paper_block1(net, data):
    return [net.see(f"norm1{t}", lrn(F.relu(net.conv(f"conv1{t}", data, 48, 11, 4)))) for t in "ab"]


def paper_block2(net, t, x):
    return net.pool(lrn(F.relu(net.conv(f"conv2{t}", x, 128, 5, pad=2))))


def original_block1(net, data):
    data = F.pad(data, (0, 3, 0, 3))  # 224 gives 55 positions by ceil: the last window hangs over by 3
    return [net.see(f"rnorm1{t}", lrn(net.conv(f"conv1{t}", data, 48, 11, 4))) for t in "ab"]


def original_block2(net, t, x):
    return net.pool(spatial_norm(lrn(F.relu(net.conv(f"conv2{t}", x, 128, 5, pad=2)))))


def two_towers(net, data, block1=paper_block1, after_pool1=lambda x: x, block2=paper_block2, sixth=False):
    x = [after_pool1(net.pool(tower)) for tower in block1(net, data)]
    x = [net.see(f"pool2{t}", block2(net, t, tower)) for t, tower in zip("ab", x)]
    x = [net.relu(net.conv(f"conv3{t}", both(x), 192, 3, pad=1)) for t in "ab"]
    x = [net.relu(net.conv(f"conv4{t}", tower, 192, 3, pad=1)) for t, tower in zip("ab", x)]
    x = [net.pool(F.relu(net.conv(f"conv5{t}", tower, 128, 3, pad=1))) for t, tower in zip("ab", x)]
    for t, tower in zip("ab", x):
        net.see(f"pool5{t}", tower)
    if sixth:
        x = [net.relu(net.conv(f"conv6{t}", both(x), 128, 3, pad=1)) for t in "ab"]
    x = [net.relu(net.fc(f"fc6{t}", both(x), 2048)) for t in "ab"]
    x = [net.relu(net.fc(f"fc7{t}", net.halve(both(x)), 2048)) for t in "ab"]
    return net.fc("fc8", net.halve(both(x)), 1000, last=True)


def original(net, data):
    return two_towers(net, data, original_block1, F.relu, original_block2)


def one_column(net, data, norm_first):
    def norm_pool(number, x):
        if norm_first:
            return net.see(f"pool{number}", net.pool(net.see(f"norm{number}", lrn(x, k=1.0)), ceil=True))
        return net.see(f"norm{number}", lrn(net.see(f"pool{number}", net.pool(x, ceil=True)), k=1.0))

    x = norm_pool(1, F.relu(net.conv("conv1", data, 96, 11, 4)))
    x = norm_pool(2, F.relu(net.conv("conv2", x, 256, 5, pad=2, groups=2)))
    x = net.relu(net.conv("conv3", x, 384, 3, pad=1))
    x = net.relu(net.conv("conv4", x, 384, 3, pad=1, groups=2))
    x = net.see("conv5", F.relu(net.conv("conv5", x, 256, 3, pad=1, groups=2)))
    x = net.relu(net.fc("fc6", net.pool(x, ceil=True), 4096))
    x = net.relu(net.fc("fc7", x, 4096))
    return net.fc("fc8", x, 1000, last=True)


def torchvision_alexnet(net, data):
    x = net.pool(F.relu(net.conv("features.0", data, 64, 11, 4, 2)))
    x = net.pool(F.relu(net.conv("features.3", x, 192, 5, pad=2)))
    x = net.relu(net.conv("features.6", x, 384, 3, pad=1))
    x = net.relu(net.conv("features.8", x, 256, 3, pad=1))
    x = net.pool(F.relu(net.conv("features.10", x, 256, 3, pad=1)))
    x = net.relu(net.fc("classifier.1", F.adaptive_avg_pool2d(x, 6), 4096))
    x = net.fc("classifier.6", net.relu(net.fc("classifier.4", x, 4096)), 1000)
    with torch.device("meta"):
        model = torchvision.models.alexnet(dropout=0)
    with torch.no_grad():
        own = torch.func.functional_call(model, net.params, data)
    torch.testing.assert_close(x.detach(), own)
    return x


def cifar10(net, data):
    norm = dict(k=1.0, alpha=0.05)
    x = net.see("norm1", lrn(F.relu(net.conv("conv1", data, 32, 3, pad=1)), **norm))
    x = lrn(F.relu(net.conv("conv2", net.pool(x, ceil=True), 64, 3, pad=1)), **norm)
    x = net.see("pool2", net.pool(x, ceil=True))
    x = net.relu(net.conv("conv3", x, 96, 3, pad=1))
    x = F.relu(net.conv("conv4", x, 96, 3, pad=1))
    x = net.relu(net.fc("fc5", net.see("pool4", net.pool(x, ceil=True)), 192))
    return net.fc("fc6", x, 10, last=True)


def average(x):  # positions beyond the edge do not count
    return F.avg_pool2d(x, 3, 2, ceil_mode=True, count_include_pad=False)


def figure1(net, data, neuron):
    x = net.see("pool1", net.pool(neuron(net.conv("conv1", data, 32, 5, pad=2)), ceil=True))
    x = average(neuron(net.conv("conv2", x, 32, 5, pad=2)))
    x = average(neuron(net.conv("conv3", x, 64, 5, pad=2)))
    return net.fc("fc4", x, 10, last=True)


def convnet_18pct(net, data):
    def norm(x):
        return spatial_norm(x, size=3, alpha=5e-5)

    x = norm(net.see("pool1", net.relu(net.pool(net.conv("conv1", data, 32, 5, pad=2), ceil=True))))
    x = norm(net.see("pool2", average(net.relu(net.conv("conv2", x, 32, 5, pad=2)))))
    x = average(net.relu(net.conv("conv3", x, 64, 5, pad=2)))
    return net.fc("fc4", x, 10, last=True)


# name: (function, input size, classes, bound of the input). Inputs are of the size that the network is made for:
# pixels less their mean where there is no division by a deviation, so that LRN bites.
NETWORKS = {
    "alexnet-2012": (two_towers, 227, 1000, 100),
    "alexnet-2012-original": (original, 224, 1000, 100),
    "alexnet-2012-6conv": (lambda net, x: two_towers(net, x, sixth=True), 227, 1000, 100),
    "alexnet-caffe": (lambda net, x: one_column(net, x, norm_first=True), 227, 1000, 100),
    "caffenet": (lambda net, x: one_column(net, x, norm_first=False), 227, 1000, 100),
    "alexnet": (torchvision_alexnet, 224, 1000, 1),
    "alexnet-cifar10": (cifar10, 32, 10, 2),
    "fig1-relu": (lambda net, x: figure1(net, x, net.relu), 32, 10, 100),
    "fig1-tanh": (lambda net, x: figure1(net, x, torch.tanh), 32, 10, 1),
    "convnet-18pct": (convnet_18pct, 32, 10, 100),
}


def labels_of(classes):
    return torch.arange(BATCH) * 37 % classes


def samples(name, grad):
    """Places among the larger elements: below them the comparison would be one of rounding."""
    flat = grad.reshape(-1)
    large = torch.nonzero(flat.abs() >= flat.pow(2).mean().sqrt()).reshape(-1).numpy()
    start = np.uint64(fnv1a64(name + " samples"))
    picks = mix64(np.arange(SAMPLES, dtype=np.uint64) + start) % np.uint64(len(large))
    index = [int(large[p]) for p in picks]
    return {"index": index, "value": [flat[i].item() for i in index]}


def run(name):
    function, size, classes, bound = NETWORKS[name]
    net, labels = Net(bound), labels_of(classes)
    for number in itertools.count():
        data_name, net.margin = f"data {number}", math.inf
        data = draw(data_name, (BATCH, 3, size, size), bound)
        with torch.no_grad():
            logits = function(net, data)
        if net.margin >= MARGIN:
            break
    golden = {"data_name": data_name, "data_bound": bound, "loss": F.cross_entropy(logits, labels).item(),
              "activation_norms": dict(net.seen)}
    net.training = True  # dropout neither drops nor scales
    loss = F.cross_entropy(function(net, data), labels)
    loss.backward()
    golden |= {"training_loss": loss.item(), "parameters": {}}
    for param, tensor in net.params.items():
        golden["parameters"][param] = {"shape": list(tensor.shape), "bound": net.bounds[param],
                                       "gradient_norm": tensor.grad.norm().item()} | samples(param, tensor.grad)
    return net, data, logits, golden


def agreement_in_float32(net, name, data, logits, golden):
    """How far torch's own float32 is away: logits, gradient norms, samples. What the test may ask for."""
    function, _, classes, bound = NETWORKS[name]
    single, data = Net(bound), data.float()
    single.params = {key: value.detach().float().requires_grad_() for key, value in net.params.items()}
    with torch.no_grad():
        difference = (function(single, data).double() - logits).abs().max() / logits.abs().max()
    single.training = True
    F.cross_entropy(function(single, data), labels_of(classes)).backward()
    norms = values = 0.0
    for key, want in golden["parameters"].items():
        grad = single.params[key].grad.double()
        norms = max(norms, abs(grad.norm().item() / want["gradient_norm"] - 1))
        got, value = grad.reshape(-1)[want["index"]], torch.tensor(want["value"]).double()
        values = max(values, ((got - value).abs().max() / value.abs().max()).item())
    return f"logits {difference:.1e}, gradient norms {norms:.1e}, samples {values:.1e}"


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: item if key == "bound" else rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def write(name):
    net, data, logits, golden = run(name)
    print(f"{name}: {sum(p.numel() for p in net.params.values()):,} parameters, "
          f"|logits| up to {logits.abs().max():.3g}, loss {golden['loss']:.6f}, {golden['training_loss']:.6f}, {golden['data_name']}; "
          f"float32 is off by {agreement_in_float32(net, name, data, logits, golden)}", flush=True)
    metadata = {
        "golden": json.dumps(rounded(golden), separators=(",", ":")),
        "made_with": f"torch {torch.__version__}, float64; torchvision {torchvision.__version__}",
        "rules": "formula of weights and data: README.md beside this folder; labels 37 i modulo classes; logits, loss and "
                 "activation_norms: inference, where the paper's dropout halves; training_loss and gradients: dropout "
                 "neither drops nor scales; spatial normalisation of alexnet-2012-original: k 1, alpha 0.001 / 25",
    }
    tensors = {"logits": logits.float().contiguous()}
    (HERE / "networks" / f"{name}.safetensors").write_bytes(safetensors.torch.save(tensors, metadata))


def onnx_one_column(net, norm_first):
    """The graph of BVLC's two networks in ONNX's terms."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, last = [], "data"

    def node(op, output, *params, **attributes):
        nonlocal last
        nodes.append(helper.make_node(op, [last, *params], [output], name=output, **attributes))
        last = output

    def conv(number, kernel, stride=1, pad=0, group=1):
        name = f"conv{number}"
        node("Conv", name, name + ".weight", name + ".bias", kernel_shape=[kernel] * 2, strides=[stride] * 2,
             pads=[pad] * 4, group=group)
        node("Relu", f"relu{number}")

    def max_pool(number):
        node("MaxPool", f"pool{number}", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)

    def norm_pool(number):
        if not norm_first:
            max_pool(number)
        node("LRN", f"norm{number}", size=5, alpha=1e-4, beta=0.75, bias=1.0)
        if norm_first:
            max_pool(number)

    conv(1, 11, 4)
    norm_pool(1)
    conv(2, 5, 1, 2, 2)
    norm_pool(2)
    conv(3, 3, 1, 1)
    conv(4, 3, 1, 1, 2)
    conv(5, 3, 1, 1, 2)
    max_pool(5)
    node("Flatten", "flat")
    for number in (6, 7):
        node("Gemm", f"fc{number}", f"fc{number}.weight", f"fc{number}.bias", transB=1)
        node("Relu", f"relu{number}")
    node("Gemm", "fc8", "fc8.weight", "fc8.bias", transB=1)
    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "one-column", [helper.make_tensor_value_info("data", float32, [BATCH, 3, 227, 227])],
        [helper.make_tensor_value_info("fc8", float32, [BATCH, 1000])],
        [numpy_helper.from_array(p.detach().numpy().astype(np.float32), key) for key, p in net.params.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def check_onnx():
    import onnxruntime

    for name, norm_first in (("alexnet-caffe", True), ("caffenet", False)):
        function, size, _, bound = NETWORKS[name]
        net, data = Net(bound), draw("data", (BATCH, 3, size, size), bound)
        with torch.no_grad():
            want = function(net, data).numpy()
        session = onnxruntime.InferenceSession(onnx_one_column(net, norm_first).SerializeToString(),
                                               providers=["CPUExecutionProvider"])
        got = session.run(None, {"data": data.numpy().astype(np.float32)})[0]
        error = np.abs(got - want).max() / np.abs(want).max()
        print(f"{name}: onnxruntime {onnxruntime.__version__} differs by {error:.1e} of the largest logit")
        if error > 1e-4:
            raise SystemExit(f"{name}: the two graphs are not the same network")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NETWORKS)}; none: all")
    parser.add_argument("--check-onnx", action="store_true", help="write nothing, compare with onnxruntime")
    arguments = parser.parse_args()
    if arguments.check_onnx:
        check_onnx()
    else:
        for each in arguments.names or NETWORKS:
            write(each)
