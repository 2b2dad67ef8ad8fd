"""Writes the small weight files in golden/weights/ that weights_torch_test reads. Needs torch and safetensors.

Run: python make_weights.py. The keys of the legacy files are addresses, so a new run changes some bytes.
"""
import collections
import pathlib
import pickle
import struct
import zipfile

import safetensors.torch
import torch

OUT = pathlib.Path(__file__).parent / "weights"


def numbers(*shape, dtype=torch.float32):
    """0.25 * i - 1, exact in every float type for small i."""
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float32) * 0.25 - 1).reshape(shape).to(dtype)


def state_dict():
    whole = numbers(4, 3)
    return collections.OrderedDict([
        ("conv.weight", numbers(2, 3, 2, 2)),
        ("conv.bias", torch.nn.Parameter(numbers(2))),
        ("half", numbers(5, dtype=torch.float16)),
        ("bfloat", numbers(2, 2, dtype=torch.bfloat16)),
        ("scalar", torch.tensor(2.5)),
        ("empty", torch.zeros(0, 3)),
        ("whole", whole),           # one storage for four tensors
        ("rows", whole[1:3]),       # dense, with an offset
        ("column", whole[:, 1]),    # strided
        ("transposed", whole.t()),  # strided
        ("channels_last", numbers(1, 3, 2, 2).to(memory_format=torch.channels_last)),
    ])


def write_safetensors():
    tensors = {
        "single": numbers(2, 3),
        "half": numbers(5, dtype=torch.float16),
        "bfloat": numbers(3, dtype=torch.bfloat16),
        "scalar": torch.tensor(2.5),
        "bytes": torch.tensor([[-128, 127], [1, -2]], dtype=torch.int8),
        "bytes.scale": torch.tensor([0.5, 2.0]),
    }
    safetensors.torch.save_file(tensors, OUT / "plain.safetensors", metadata={"format": "pt"})
    safetensors.torch.save_file({"double": torch.zeros(2, dtype=torch.float64)}, OUT / "double.safetensors")


def write_torch():
    for name, zipped in (("zip.pth", True), ("legacy.pth", False)):
        torch.save(state_dict(), OUT / name, _use_new_zipfile_serialization=zipped)
    torch.save(torch.nn.Linear(2, 3).state_dict(), OUT / "linear.pth")  # with the modules' _metadata
    optimizer = {"lr": 0.1, "state": {0: {"momentum_buffer": numbers(2)}}, "betas": (0.9, 0.999)}
    torch.save({"epoch": 90, "arch": "alexnet", "state_dict": state_dict(), "best": 0.565, "optimizer": optimizer},
               OUT / "checkpoint.pth")
    torch.save({"steps": torch.zeros(2, dtype=torch.int64)}, OUT / "long.pth")
    torch.save({"expanded": torch.zeros(1).expand(1000)}, OUT / "expanded.pth")
    torch.save({"a": numbers(3)}, OUT / "protocol4.pth", pickle_protocol=4)
    torch.save({"negated": torch._neg_view(numbers(6)), "column": torch._neg_view(numbers(4, 3))[:, 1],
                "parameter": torch.nn.Parameter(torch._neg_view(numbers(3)))}, OUT / "negated.pth")
    torch.save(torch.nn.Linear(2, 3), OUT / "module.pth")
    torch.save([numbers(2)], OUT / "list.pth")
    with zipfile.ZipFile(OUT / "zip.pth") as source, \
            zipfile.ZipFile(OUT / "compressed.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            packed.writestr(entry.filename, source.read(entry))


class Attack:
    def __reduce__(self):
        import os
        return os.system, ("echo executed",)


def write_attack():
    with zipfile.ZipFile(OUT / "attack.pth", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"weight": Attack()}, protocol=2))


def write_python2():
    """As Python 2 and torch 0.1 wrote: byte strings, _rebuild_tensor, an OrderedDict of a list of pairs."""
    def text(value):
        return b"U" + bytes([len(value)]) + value
    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"77") + text(b"cpu") + b"K\x06NtQ"
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00K\x02K\x03\x86K\x03K\x01\x86tR"
    entries = b"](](" + text(b"weight") + tensor + b"ee"
    dictionary = b"ccollections\nOrderedDict\n" + entries + b"\x85R"
    machine = b"}(" + text(b"little_endian") + b"\x88u"
    with open(OUT / "python2.pth", "wb") as file:
        for value in (0x1950a86a20f9469cfc6c, 1001):
            file.write(pickle.dumps(value, protocol=2))
        for body in (machine, dictionary, b"](" + text(b"77") + b"e"):
            file.write(b"\x80\x02" + body + b".")
        file.write(struct.pack("<q6f", 6, *(0.25 * i - 1 for i in range(6))))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    write_safetensors()
    write_torch()
    write_attack()
    write_python2()
