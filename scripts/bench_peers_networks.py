"""The zoo's networks for torch, from tests/golden/make_networks.py, which writes them a second time. For scripts/bench-peers."""
import pathlib
import sys

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

sys.dont_write_bytecode = True  # it would lie in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden"))
import make_networks as golden  # noqa: E402

DROPOUT = {  # by the layer that reads what is dropped; the golden networks leave it out where it scales in training
    "alexnet-caffe": {"fc7": 0.5, "fc8": 0.5},
    "caffenet": {"fc7": 0.5, "fc8": 0.5},
    "alexnet-cifar10": {"fc5": 0.3, "fc6": 0.3},
}


class InPlace:
    """torch.nn.functional, where relu overwrites what it reads, as in torchvision's networks."""

    def __getattr__(self, name):
        return getattr(F, name)

    @staticmethod
    def relu(x):
        return F.relu(x, inplace=True)


def lrn(x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    if not torch.onnx.is_in_onnx_export():
        return F.local_response_norm(x, size, alpha, beta, k)

    class OnnxLrn(torch.autograd.Function):  # torch would export a dozen nodes
        @staticmethod
        def forward(ctx, x):
            return F.local_response_norm(x, size, alpha, beta, k)

        @staticmethod
        def symbolic(g, x):
            return g.op("LRN", x, size_i=size, alpha_f=alpha, beta_f=beta, bias_f=k).setType(x.type())

    return OnnxLrn.apply(x)


def spatial_norm(x, size=5, k=1.0, alpha=1e-3, beta=0.75):
    return x * (k + alpha * F.avg_pool2d(x * x, size, 1, size // 2)) ** -beta


golden.F, golden.lrn, golden.spatial_norm = InPlace(), lrn, spatial_norm


class Network(nn.Module):
    """What the golden functions ask of their `net`. The first pass makes the layers."""

    def __init__(self, name, classes):
        super().__init__()
        self.function, self.side, all_classes, _ = golden.NETWORKS[name]
        self.classes = classes or all_classes
        self.shares = DROPOUT.get(name, {})
        self.drops = True
        with torch.no_grad():
            self(torch.zeros(1, 3, self.side, self.side))

    def layer(self, name, make):
        if not hasattr(self, name):
            setattr(self, name, make())
        return getattr(self, name)

    def conv(self, name, x, out, kernel, stride=1, pad=0, groups=1):
        return self.layer(name, lambda: nn.Conv2d(x.shape[1], out, kernel, stride, pad, groups=groups))(x)

    def fc(self, name, x, out, last=False):
        if self.drops and name in self.shares:
            x = F.dropout(x, self.shares[name], self.training)
        x = x.flatten(1)
        return self.layer(name, lambda: nn.Linear(x.shape[1], self.classes if last else out))(x)

    def relu(self, x):
        return F.relu(x, inplace=True)

    def pool(self, x, ceil=False):
        return F.max_pool2d(x, 3, 2, ceil_mode=ceil)

    def see(self, _, x):
        return x

    def halve(self, x):  # the paper's dropout; torch's scales in training, which costs the same
        if self.training:
            return F.dropout(x, 0.5) if self.drops else x
        return x * 0.5

    def forward(self, x):
        return self.function(self, x)


def network(name, classes=None):
    """(module that gives logits, side of its input)"""
    torch.manual_seed(0)
    if name == "alexnet":
        return torchvision.models.alexnet(**({"num_classes": classes} if classes else {})), 224
    net = Network(name, classes)
    return net, net.side


def without_dropout(net):
    net.drops = False
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


def drawn(name):
    """Weights by He's rule keep pictures apart."""
    net, side = network(name)
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if name.endswith("tanh"):  # pixels up to 255 would saturate it
        with torch.no_grad():
            net.conv1.weight.mul_(0.01)
    return net.eval(), side


class WithProbabilities(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        logits = self.net(x)
        return logits, torch.softmax(logits, 1)


def write_onnx(net, side, path):
    names = ("images", "logits", "probabilities")
    torch.onnx.export(WithProbabilities(net).eval(), torch.zeros(1, 3, side, side), path, dynamo=False, input_names=names[:1],
                      output_names=names[1:], dynamic_axes={name: {0: "batch"} for name in names})


def write_ncnn(net, side, path):
    """path.ncnn.param and path.ncnn.bin."""
    import pnnx

    pnnx.export(WithProbabilities(net).eval(), f"{path}.pt", torch.zeros(1, 3, side, side), fp16=False)
