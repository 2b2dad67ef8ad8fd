"""What a bundle does on the machine, the most telling first. A generator: a step may depend on what those before it left."""
import json
import os
import pathlib
import shutil
import sys

from runner import Failed, GoogleTest, Skipped, Step, json_lines

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
FACTS = ("name", "driver_version", "compute_cap", "memory.total", "memory.used", "clocks.sm", "clocks.mem", "clocks.max.sm",
         "clocks.max.mem", "power.draw", "power.limit", "temperature.gpu", "ecc.mode.current", "pcie.link.gen.current",
         "pcie.link.width.current")


def facts(out):
    return [dict(zip(FACTS, map(str.strip, line.split(",")))) for line in out.splitlines() if line.strip()]


def devices(out):
    listed = json.loads(out)
    gpus = [device for device in listed if device["name"].startswith("cuda:")]
    if not any(gpu["usable"] for gpu in gpus):
        raise Failed(f"no GPU can be used: {gpus[0]['reason'] if gpus else 'this build lists none'}", listed)
    return listed


def answers(lines):
    if not lines[0]["difference"] <= lines[0]["allowed"]:
        raise Failed(f"a probability is {lines[0]['got']} instead of torch's {lines[0]['wanted']}", lines)
    return lines


class Steps:
    def __init__(self, here, work, simulated):
        self.here, self.work, self.simulated = here, work, simulated
        self.bin, self.python = here / "bin", here / "python"
        self.tests = GoogleTest(here, work)

    def torch_lines(self, out):
        lines = json_lines(out)
        reasons = [line["reason"] for line in lines if "reason" in line]
        if reasons:  # torch may be absent, but where there is a GPU it must see it
            raise (Skipped if self.simulated or "imported" in reasons[0] else Failed)(reasons[0])
        return lines

    def start(self):
        if not self.simulated:
            yield Step("the GPU", ["nvidia-smi", "--query-gpu=" + ",".join(FACTS), "--format=csv,noheader"], 10, facts)
        yield Step("devices", [self.bin / "alexnet", "devices", "--json"], 30, devices)
        yield Step("bundled weights", [self.bin / "alexnet", "verify", self.here / "share/alexnet/alexnet-cifar10.safetensors", "--device",
                                       "cuda:0"], 40)

    def correctness(self):
        yield self.tests.step("op vectors", "ops_vectors_test", "*cudnn*", 40)
        for precision in PRECISIONS:
            yield self.tests.step(f"ops {precision}", "gpu_ops_test", f"*/{precision}_*", 40)
        for precision in PRECISIONS:
            wanted = f"*/{precision}_fig1_*" if self.simulated else f"*/{precision}_*"
            yield self.tests.step(f"golden networks {precision}", "gpu_networks_test", wanted, 60)
        yield self.tests.step("towers on cuda:0,cuda:0", "gpu_networks_test", "*Towers*", 40)
        yield self.tests.step("the same bits twice", "gpu_networks_test", "*Twice*", 40)
        yield self.tests.step("training steps beside the CPU", "gpu_networks_test", "*StepsGive*", 60)
        yield Step("training by the program", [sys.executable, self.python / "program.py", self.bin / "alexnet", "cuda:0",
                                               *(["8", "fp32"] if self.simulated else ["64", *PRECISIONS])], 60)

    def memory(self):
        """Our own kernels under compute-sanitizer, and one convolution's memory."""
        tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if self.simulated or not os.path.exists(tool):
            return
        ops = "*/fp16_conv2_5x5_groups2:*/fp16_conv_asymmetric:*/fp16_lrn_2012:*/fp16_lrn_within3:*/fp32_max_onnx_pad_0011:" \
              "*/fp16_avg_asymmetric:*/fp16_fc6_flattens:*/fp32_*dropout_4d*:*/fp32_*loss*"
        for kind, limit in (("memcheck", 45), ("racecheck", 45)):
            prefix = [tool, "--tool", kind, "--error-exitcode", "9", "--print-limit", "10"]
            yield self.tests.step(f"compute-sanitizer {kind}", "gpu_ops_test", ops, limit, prefix)

    def op_times(self):
        def step(model, batch, precision, mode, *more):
            return Step(f"op times: {model} {batch} {precision} {mode}",
                        [self.bin / "gpu_time", "cuda:0", model, str(batch), precision, mode, *more], 45, json_lines)

        if self.simulated:
            yield step("fig1-relu", 1, "fp16", "train", "1")
            yield step("fig1-relu", 1, "fp32", "infer", "1")
            return
        for batch, precision, mode in ((128, "fp16", "train"), (128, "fp32", "train"), (128, "tf32", "train"), (128, "bf16", "train"),
                                       (1024, "fp16", "infer"), (1, "fp16", "infer")):
            yield step("alexnet", batch, precision, mode)
        yield step("alexnet-2012", 128, "fp16", "train")

    def beside_torch(self, compiled):
        mark = "compiled " if compiled else ""
        jobs = []
        for precision, programs in (("fp16", ["amp", "amp channels_last"]), ("fp32", [""]), ("tf32", ["", "channels_last"])):
            for words in programs if not compiled else programs[-1:]:
                for mode in ("infer", "train"):
                    jobs.append({"program": " ".join(filter(None, ["torch", mark.strip(), words])), "mode": mode, "batch": 128,
                                 "precision": precision, "seconds": 0.3})
        return Step(f"torch {mark}beside", [sys.executable, self.python / "beside_torch.py", "--weights", self.work / "torch.pth",
                                            *map(json.dumps, jobs)], 100 if compiled else 60, self.torch_lines, python=True)

    def whole_times(self):
        weights = self.work / "torch.pth"
        for precision in PRECISIONS[:1] if self.simulated else PRECISIONS:
            yield Step(f"torch's answers {precision}", [sys.executable, self.python / "kernels.py", "cuda:0",
                                                        "2" if self.simulated else "32", precision, weights], 60,
                       lambda out: answers(self.torch_lines(out)), python=True)
        for precision in ("fp16",) if self.simulated else ("fp16", "fp32", "tf32"):
            for mode in ("infer", "train"):
                model, batch = ("fig1-relu", "1") if self.simulated else (weights if weights.exists() else "alexnet", "128")
                yield Step(f"bench {precision} {mode}", [self.bin / "alexnet", "bench", "--model", model, "--batch", batch, "--precision",
                                                         precision, "--device", "cuda:0", "--seconds", "0" if self.simulated else "0.5",
                                                         "--json", *(["--train"] if mode == "train" else [])], 40, json.loads)
        yield self.beside_torch(False)

    def long_tests(self):
        yield self.tests.step("the backend's tests", "cudnn_test", "*SessionsOfOne*" if self.simulated else "*", 90)
        yield self.tests.step("ops on all paths", "ops_test", "*cudnn*fc*" if self.simulated else "*cudnn*", 90)
        yield self.tests.step("training of every network", "network_test", "*Gpus*fig1*" if self.simulated else "*Gpus*", 200)


def all_steps(here, work, simulated):
    steps = Steps(pathlib.Path(here), pathlib.Path(work), simulated)
    yield from steps.start()
    yield from steps.correctness()
    yield from steps.op_times()
    yield from steps.whole_times()
    yield from steps.memory()
    yield steps.beside_torch(True)
    yield from steps.long_tests()
