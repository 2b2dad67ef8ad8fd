"""Writes tests/frozen/weights/format-1.safetensors and format-1.json, by docs/weight-format.md and not by the library.

Run: python make_weights.py FOLDER. Needs xxhash. This is how the two were made; they stay as they are, so write into
another folder and compare. The network is fig1-relu for inputs of 12 x 12: small, with a place for every kind of
tensor.
"""
import json
import math
import pathlib
import struct
import sys

import xxhash

SIDE, CLASSES = 12, 10
LABELS = ["aeroplane", "car", "bird", "cat", "d\u00e9er", "dog", "frog", "horse", "ship", "\u30c8\u30e9\u30c3\u30af"]
INPUT = {"height": SIDE, "width": SIDE, "channel_order": "BGR", "scale": 255, "mean": [100, 110, 120],
         "std": [64, 60, 58], "resize": {"mode": "none"}, "crop": "center"}


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Draws:
    """Numbers in -1..1, the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 40) / 2**23 - 1

    def list(self, count, size):
        return [size * self.next() for _ in range(count)]


def bf16_bits(x):
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # to nearest, ties to even


class Tensor:
    """Bytes as stored, and the values that a reader must get."""

    def __init__(self, dtype, shape, numbers, scale=None):
        self.dtype, self.shape = dtype, shape
        assert len(numbers) == math.prod(shape)
        if dtype == "BF16":
            bits = [bf16_bits(x) for x in numbers]
            self.bytes = struct.pack(f"<{len(bits)}H", *bits)
            self.values = [struct.unpack("<f", struct.pack("<I", b << 16))[0] for b in bits]
        else:
            code = {"F32": "f", "F16": "e", "I8": "b"}[dtype]
            self.bytes = struct.pack(f"<{len(numbers)}{code}", *numbers)
            self.values = list(struct.unpack(f"<{len(numbers)}{code}", self.bytes))
        if scale:  # of the whole tensor, or one for each row
            row = len(numbers) // len(scale)
            self.values = [f32(v * f32(scale[i // row])) for i, v in enumerate(self.values)]


def quantised(draws, shape, scale):
    return Tensor("I8", shape, [round(127 * draws.next()) for _ in range(math.prod(shape))], scale)


def weights():
    draws = Draws(2012)
    one, rows = [0.0011], [0.0005 + 0.00001 * i for i in range(64)]
    return {
        "conv1.weight": Tensor("F16", [32, 3, 5, 5], draws.list(2400, 0.2)),
        "conv1.bias": Tensor("F32", [32], draws.list(32, 0.1)),
        "conv2.weight": quantised(draws, [32, 32, 5, 5], one),
        "conv2.weight.scale": Tensor("F32", [1], one),
        "conv2.bias": Tensor("F16", [32], draws.list(32, 0.1)),
        "conv3.weight": quantised(draws, [64, 32, 5, 5], rows),
        "conv3.weight.scale": Tensor("F32", [64], rows),
        "conv3.bias": Tensor("BF16", [64], draws.list(64, 0.1)),
        "fc4.weight": Tensor("BF16", [CLASSES, 64], draws.list(CLASSES * 64, 0.3)),
        "fc4.bias": Tensor("F32", [CLASSES], draws.list(CLASSES, 0.1)),
    }


# The network in plain loops; maps are lists of rows.
def conv_relu(maps, weight, bias):
    side, inputs = len(maps[0]), len(maps)
    out = []
    for o, b in enumerate(bias):
        rows = [[0.0] * side for _ in range(side)]
        for y in range(side):
            for x in range(side):
                total = b
                for i in range(inputs):
                    for ky in range(max(0, 2 - y), min(5, side + 2 - y)):
                        for kx in range(max(0, 2 - x), min(5, side + 2 - x)):
                            total += weight[((o * inputs + i) * 5 + ky) * 5 + kx] * maps[i][y + ky - 2][x + kx - 2]
                rows[y][x] = max(total, 0.0)
        out.append(rows)
    return out


def pool(maps, combine):
    """3 x 3, stride 2; the last window may hang over the edge, and what hangs over does not count."""
    side = len(maps[0])
    cells = math.ceil((side - 3) / 2) + 1

    def window(rows, y, x):
        return [rows[j][i] for j in range(2 * y, min(2 * y + 3, side)) for i in range(2 * x, min(2 * x + 3, side))]

    return [[[combine(window(rows, y, x)) for x in range(cells)] for y in range(cells)] for rows in maps]


def mean(numbers):
    return sum(numbers) / len(numbers)


def answer(tensors, image):
    """Probabilities for 3 * SIDE * SIDE numbers."""
    value = {name: tensor.values for name, tensor in tensors.items()}
    maps = [[image[(c * SIDE + y) * SIDE:(c * SIDE + y + 1) * SIDE] for y in range(SIDE)] for c in range(3)]
    for block, combine in (("conv1", max), ("conv2", mean), ("conv3", mean)):
        maps = pool(conv_relu(maps, value[block + ".weight"], value[block + ".bias"]), combine)
    flat = [x for rows in maps for row in rows for x in row]
    weight, bias = value["fc4.weight"], value["fc4.bias"]
    logits = [b + sum(weight[o * len(flat) + i] * x for i, x in enumerate(flat)) for o, b in enumerate(bias)]
    powers = [math.exp(x - max(logits)) for x in logits]
    return [p / sum(powers) for p in powers]


def picture():
    """RGB bytes, row by row."""
    return [(x * 31 + y * 17 + c * 80 + x * y * 5) % 256 for y in range(SIDE) for x in range(SIDE) for c in range(3)]


def prepared(pixels):
    return [(pixels[(y * SIDE + x) * 3 + 2 - c] - INPUT["mean"][c]) / INPUT["std"][c]
            for c in range(3) for y in range(SIDE) for x in range(SIDE)]


def canonical_checksum(metadata):
    h = xxhash.xxh3_128()
    for key in sorted(metadata, key=str.encode):
        for text in (key.encode(), metadata[key].encode()):
            h.update(struct.pack("<Q", len(text)) + text)
    return h.hexdigest()


def file_bytes(tensors):
    width = {"F32": 4, "F16": 2, "BF16": 2, "I8": 1}
    ordered = dict(sorted(tensors.items(), key=lambda item: -width[item[1].dtype]))
    metadata = {
        "alexnet.format": "1",
        "alexnet.min_reader": "1",
        "alexnet.producer": "tests/frozen/make_weights.py",
        "alexnet.model": "fig1-relu/1",
        "alexnet.input": json.dumps(INPUT),
        "alexnet.labels": json.dumps(LABELS),
        "alexnet.checksums": json.dumps({name: xxhash.xxh3_128_hexdigest(t.bytes) for name, t in ordered.items()}),
        "note": "a key that no reader knows",
    }
    metadata["alexnet.metadata_checksum"] = canonical_checksum(metadata)
    header, offset = {"__metadata__": metadata}, 0
    for name, tensor in ordered.items():
        end = offset + len(tensor.bytes)
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + b"".join(t.bytes for t in ordered.values())


def main():
    folder = pathlib.Path(sys.argv[1])
    tensors = weights()
    test_input = Tensor("F16", [1, 3, SIDE, SIDE], Draws(6).list(3 * SIDE * SIDE, 2))
    tensors["selftest.input"] = test_input
    tensors["selftest.output"] = Tensor("F32", [1, CLASSES], answer(tensors, test_input.values))
    frozen = {
        "labels": LABELS, "side": SIDE, "picture": picture(), "probabilities": answer(tensors, prepared(picture())),
        "tensors": {name: {"type": t.dtype, "shape": t.shape, "count": len(t.values), "sum": sum(t.values),
                           "first": t.values[0], "last": t.values[-1]} for name, t in tensors.items()},
    }
    (folder / "format-1.safetensors").write_bytes(file_bytes(tensors))
    (folder / "format-1.json").write_text(json.dumps(frozen, indent=1) + "\n")


main()
