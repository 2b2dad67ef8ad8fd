#!/usr/bin/env python3
"""Writes ops.json: ops of the table in ops_cases.h, by name, as torch computes them in float64.

    python3 make_ops.py            # needs torch; written with torch 2.15
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20120930)


def conv(stride, pad, groups=1, activation=lambda x: x):
    """pad as F.pad takes it: left, right, top, bottom."""
    return lambda x, w, b: activation(F.conv2d(F.pad(x, pad), w, b, stride, groups=groups))


def lrn(size, alpha, beta, k):
    return lambda x: F.local_response_norm(x, size, alpha, beta, k)


# name: (function, input shapes, parameter shapes, scale of the inputs)
CASES = {
    "conv_asymmetric": (conv(2, (0, 1, 1, 2), activation=torch.tanh), [(2, 6, 9, 7)], [(8, 6, 3, 3), (8,)], 1),
    "conv_groups3_one_filter": (conv(1, (0, 0, 0, 0), 3), [(2, 9, 5, 6)], [(3, 3, 3, 3), (3,)], 1),
    "conv_pad_at_kernel": (conv(1, (3, 1, 2, 2)), [(1, 2, 3, 4)], [(3, 2, 2, 2), (3,)], 1),
    "conv_stride_beyond_kernel": (conv(5, (0, 0, 0, 0)), [(1, 4, 14, 13)], [(6, 4, 2, 2), (6,)], 1),
    "fc_tanh": (lambda x, w, b: torch.tanh(F.linear(x, w, b)), [(2, 33)], [(9, 33), (9,)], 1),
    "lrn_2012": (lrn(5, 1e-4, 0.75, 2.0), [(2, 12, 5, 5)], [], 200),
    "lrn_even": (lrn(4, 1.0, 0.75, 1.0), [(2, 7, 3, 4)], [], 2),
    "lrn_beyond_channels": (lrn(15, 1.0, 0.75, 1.0), [(2, 7, 3, 3)], [], 2),
    "max_ceil_overhang": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), [(2, 3, 12, 6)], [], 1),
    "max_ceil_pad_drops": (lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True), [(1, 2, 3, 3)], [], 1),
    "max_pad1": (lambda x: F.max_pool2d(x, 3, 2, 1), [(2, 4, 7, 8)], [], 1),
    "avg_ceil_overhang": (lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), [(2, 3, 8, 6)], [], 1),
    "avg_pad1": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), [(2, 4, 7, 8)], [], 1),
    "avg_pad1_counted_ceil": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), [(1, 3, 6, 8)], [], 1),
    "adaptive_6": (lambda x: F.adaptive_avg_pool2d(x, 6), [(2, 4, 13, 9)], [], 1),
    "adaptive_grows": (lambda x: F.adaptive_avg_pool2d(x, 6), [(1, 3, 1, 4)], [], 1),
    "softmax_large": (lambda x: torch.softmax(x, 1), [(3, 100)], [], 200),
}
# name: (shape of the logits, smoothing, scale)
LOSSES = {"loss_smoothed": ((5, 10), 0.1, 3), "loss_large": ((6, 4), 0.0, 200)}


def numbers(tensor):
    return [float(f"{v:.7g}") for v in tensor.detach().reshape(-1).tolist()]


def draw(shape, scale):
    """Different numbers of three decimals, so that the file stays small and a maximum is never shared."""
    count = torch.Size(shape).numel()
    values = (torch.randperm(2000)[:count].double() - 1000) / 1000 * scale
    return values.reshape(shape).requires_grad_()


def entry(inputs, params, output_grads, outputs):
    return {"inputs": [numbers(x) for x in inputs], "params": [numbers(p) for p in params],
            "output_grads": [numbers(g) for g in output_grads], "outputs": [numbers(y) for y in outputs],
            "input_grads": [numbers(x.grad) for x in inputs if x.requires_grad],
            "param_grads": [numbers(p.grad) for p in params]}


def case(run, input_shapes, param_shapes, scale):
    inputs = [draw(shape, scale) for shape in input_shapes]
    params = [draw(shape, 0.5) for shape in param_shapes]
    output = run(*inputs, *params)
    grad = draw(output.shape, 1)
    output.backward(grad)
    return entry(inputs, params, [grad], [output])


def loss_case(shape, smoothing, scale):
    logits = draw(shape, scale)
    labels = torch.arange(shape[0]) % (shape[1] + 1) - 1  # the first does not count
    each = F.cross_entropy(logits, labels, ignore_index=-1, reduction="none", label_smoothing=smoothing)
    (each.sum() / shape[0]).backward()
    return entry([logits, labels.double()], [], [], [torch.softmax(logits, 1), each])


if __name__ == "__main__":
    cases = {name: case(*c) for name, c in CASES.items()} | {name: loss_case(*c) for name, c in LOSSES.items()}
    target = pathlib.Path(__file__).with_name("ops.json")
    target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
