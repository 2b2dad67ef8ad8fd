"""What alexnet programs write, and how it differs: the part of scripts/same-answer that reads."""
import csv
import hashlib
import json
import math
import mmap
import operator
import struct
from array import array
from typing import NamedTuple

LEFT_OUT = {"alexnet.producer", "alexnet.checksums", "alexnet.metadata_checksum"}
TIMES = {"images_per_second", "waited_ms"}  # columns of the log


class Difference(NamedTuple):
    run: object
    where: str
    detail: str


class Tensors:
    """A safetensors file: `metadata`, and `entries` of name -> (type, shape, bytes)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        (length,) = struct.unpack_from("<Q", view)
        header = json.loads(bytes(view[8 : 8 + length]))
        self.metadata = {k: v for k, v in header.pop("__metadata__", {}).items() if k not in LEFT_OUT}
        data = view[8 + length :]
        self.entries = {
            name: (e["dtype"], e["shape"], data[e["data_offsets"][0] : e["data_offsets"][1]]) for name, e in header.items()
        }

    def summary(self):
        tensors = {}
        for name, (kind, shape, data) in self.entries.items():
            tensors[name] = [kind, shape, hashlib.blake2b(data, digest_size=16).hexdigest()]
        return {"metadata": self.metadata, "tensors": tensors}


def log_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def numbers(kind, data):
    codes = {"F32": "f", "F64": "d", "I8": "b", "U8": "B", "I32": "i", "I64": "q"}
    if kind == "F16":
        return struct.unpack(f"<{len(data) // 2}e", data)
    if kind == "BF16":  # the upper half of a float
        wide = bytearray(2 * len(data))
        wide[2::4], wide[3::4] = data[0::2], data[1::2]
        return array("f", bytes(wide))
    return array(codes[kind], bytes(data))


def first_bit_difference(old, new, width):
    piece = 1 << 16
    for begin in range(0, len(old), piece):
        if old[begin : begin + piece] != new[begin : begin + piece]:
            for at in range(begin, len(old), width):
                if old[at : at + width] != new[at : at + width]:
                    return at // width
    return None


def element_text(at, shape):
    place, rest = [], at
    for side in reversed(shape):
        place.append(rest % side)
        rest //= side
    return f"element {list(reversed(place))} ({at} of {math.prod(shape)})"


def tensor_difference(old, new, tolerance):
    """Text about two tensors of the same type and shape, or None where they are alike."""
    kind, shape, old_data = old
    new_data = new[2]
    a, b = numbers(kind, old_data), numbers(kind, new_data)
    width = len(old_data) // len(a)
    at = first_bit_difference(old_data, new_data, width)
    if at is None:
        return None
    largest = max(map(abs, a))
    gaps = array("d", map(abs, map(operator.sub, b, a)))
    worst = max(gaps)
    finite = math.isfinite(sum(a)) and math.isfinite(sum(b))  # a NaN would pass every comparison: then bits count
    if tolerance is not None and finite:
        if worst <= tolerance * largest:
            return None
        at = next(i for i, gap in enumerate(gaps) if gap > tolerance * largest)
    bits = [data[at * width : (at + 1) * width].tobytes()[::-1].hex() for data in (old_data, new_data)]
    count = sum(map(operator.ne, a, b))
    relative = f"{worst / largest:.3g}" if largest else "inf"
    return (
        f"{element_text(at, shape)}: old {a[at]!r} (0x{bits[0]}), new {b[at]!r} (0x{bits[1]}); "
        f"{count} elements differ, max|difference| / max|old| = {relative}"
    )


def json_difference(old, new, tolerance, path=""):
    """(path, old, new) of the first difference of two JSON values, texts that hold JSON or numbers included."""
    if isinstance(old, str) and isinstance(new, str) and old != new:
        try:
            inner = json.loads(old), json.loads(new)
        except ValueError:
            return path, old, new
        # Texts of the same value still differ as bytes.
        return json_difference(*inner, tolerance, path) or (None if tolerance is not None else (path, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key not in old or key not in new:
                return f"{path}.{key}", old.get(key, "nothing"), new.get(key, "nothing")
            if found := json_difference(old[key], new[key], tolerance, f"{path}.{key}"):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        found = (json_difference(a, b, tolerance, f"{path}[{i}]") for i, (a, b) in enumerate(zip(old, new)))
        return next(filter(None, found), None)
    if type(old) is type(new) and old == new:
        return None
    if tolerance is not None and isinstance(old, (int, float)) and isinstance(new, (int, float)):
        if abs(old - new) <= tolerance * max(1, abs(old)):
            return None
    return path, old, new


def file_differences(run, name, old, new, open_both, tolerance):
    """Of two summaries of a safetensors file. open_both() opens the files themselves."""
    if found := json_difference(old["metadata"], new["metadata"], tolerance):
        yield Difference(run, f"{name}: metadata {found[0][1:]}", f"old {found[1]!r}, new {found[2]!r}")
    files = None
    for tensor in dict.fromkeys([*old["tensors"], *new["tensors"]]):
        a, b = old["tensors"].get(tensor), new["tensors"].get(tensor)
        if a == b:
            continue
        where = f"{name}: tensor {tensor}"
        if not a or not b or a[:2] != b[:2]:
            yield Difference(run, where, f"old {a and a[:2] or 'nothing'}, new {b and b[:2] or 'nothing'}")
            continue
        files = files or open_both()
        if text := tensor_difference(files[0].entries[tensor], files[1].entries[tensor], tolerance):
            yield Difference(run, where, text)


def differences(run, old, new, open_both, tolerance):
    if found := json_difference(old["texts"], new["texts"], tolerance):
        yield Difference(run, found[0][1:], f"old {found[1]!r}, new {found[2]!r}")
    for name in old["files"].keys() & new["files"].keys():
        yield from file_differences(run, name, old["files"][name], new["files"][name], lambda: open_both(name), tolerance)
