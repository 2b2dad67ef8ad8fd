"""Runs the steps of a bundle, each in a process group of its own under a limit, and keeps what came of them."""
import dataclasses
import datetime
import glob
import importlib.metadata
import json
import os
import platform
import re
import signal
import site
import subprocess
import sys
import sysconfig
import time
import typing

LIBRARIES = ("libcudart.so.13", "libcublas.so.13", "libcudnn.so.9", "libnccl.so.2")
LEAST = 5  # seconds below which no step is started


class Failed(Exception):
    """What a step's output says against it, though its process ended well."""


class Skipped(Exception):
    """What is missing on this machine that is no part of what is tested (torch, compute-sanitizer)."""


@dataclasses.dataclass
class Step:
    name: str
    command: list
    limit: float
    parse: typing.Callable = None  # of its stdout; what it returns is the step's result
    explain: typing.Callable = None  # (step, runner) -> more about a failure
    python: bool = False  # it loads torch, which brings libraries of its own
    env: dict = dataclasses.field(default_factory=dict)


def library_folders():
    """The first folder that holds each library, Python's before the system's: one environment's versions fit each other."""
    places = [sysconfig.get_paths()["purelib"], *site.getsitepackages(), *(p for p in sys.path if p.endswith("-packages"))]
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        places += glob.glob(os.environ.get(variable, "/nonexistent") + "/lib/python3*/site-packages")
    folders = [folder for place in dict.fromkeys(places) for folder in sorted(glob.glob(place + "/nvidia/*/lib"))]
    folders += ["/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib", "/usr/lib/x86_64-linux-gnu"]
    found = {}
    for name in LIBRARIES:
        for folder in folders:
            if os.path.exists(f"{folder}/{name}"):
                found[name] = os.path.realpath(folder)
                break
    return found


def host():
    found = {"system": f"{platform.system()} {platform.release()} {platform.machine()}", "libc": " ".join(platform.libc_ver()),
             "python": platform.python_version(), "cores": len(os.sched_getaffinity(0))}
    for package in ("torch", "triton"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


class Runner:
    def __init__(self, here, out, budget, simulated, tolerance, patience=1):
        self.here, self.out, self.simulated, self.patience = here, out, simulated, patience
        self.end = time.monotonic() + budget
        self.on_change = lambda: None
        self.libraries = {} if simulated else library_folders()
        self.log = out / "work" / "cudnn.log"
        bundle = here / "bundle.json"
        self.report = {"format": 1, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                       "bundle": json.loads(bundle.read_text()) if bundle.exists() else {}, "simulated": simulated,
                       "budget": budget, "tolerance": tolerance, "host": host(), "libraries": self.libraries, "steps": []}
        self.env = dict(os.environ)
        self.env |= {"ALEXNET_TEST_GPU": "simulated" if simulated else "real", "ALEXNET_TEST_GOLDEN": str(here / "golden"),
                     "ALEXNET_TEST_TOLERANCE": repr(tolerance)}

    def environment(self, step, log_level):
        folders = list(dict.fromkeys(self.libraries.values()))
        if not step.python:
            folders.insert(0, str(self.here / "lib"))
        path = ":".join([*folders, *filter(None, [self.env.get("LD_LIBRARY_PATH")])])
        return self.env | {"LD_LIBRARY_PATH": path, "CUDNN_LOGLEVEL_DBG": str(log_level), "CUDNN_LOGDEST_DBG": str(self.log)} | step.env

    def process(self, step, limit, log_level=1):
        """(exit code or words, stdout, stderr) of a step's command; past its limit all that it started is killed."""
        self.log.unlink(missing_ok=True)
        try:
            child = subprocess.Popen([str(word) for word in step.command], cwd=self.out / "work", env=self.environment(step, log_level),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            return f"it cannot be started: {error.strerror}", "", ""
        try:
            texts = child.communicate(timeout=limit)
            code = child.returncode
        except subprocess.TimeoutExpired:
            code = f"no end after {limit:.0f} s"
        finally:  # on an interruption too
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
        if isinstance(code, str):
            texts = child.communicate()
        elif code < 0:
            code = f"killed by {signal.Signals(-code).name}"
        return code, *(text.decode(errors="replace") for text in texts)

    def step(self, step):
        record = {"name": step.name, "command": [str(word) for word in step.command], "limit": step.limit}
        self.report["steps"].append(record)
        left = self.end - time.monotonic()
        if left < LEAST:
            record |= {"status": "left out", "why": "no time was left"}
        else:
            begin = time.monotonic()
            self.judge(step, record, min(self.patience * step.limit, left))
            record["seconds"] = round(time.monotonic() - begin, 2)
            if record["status"] == "failed":
                self.tell_more(step, record)
        self.on_change()
        print(f"{step.name}: {record['status']}, {record.get('seconds', 0):.1f} s", flush=True)

    def judge(self, step, record, limit):
        code, out, err = self.process(step, limit)
        record["code"] = code
        try:
            if step.parse:
                record["result"] = step.parse(out)
            record["status"] = "passed" if code == 0 else "failed"
            record |= {} if code == 0 else {"why": code if isinstance(code, str) else f"exit code {code}"}
        except Skipped as reason:
            record |= {"status": "skipped", "why": reason.args[0]}
        except Failed as reason:
            record |= {"status": "failed", "why": reason.args[0]}
            record |= {"result": reason.args[1]} if len(reason.args) > 1 else {}
        except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
            record["status"] = "failed"
            record.setdefault("why", f"its output is not as expected: {type(error).__name__}: {error}")
        if record["status"] == "failed":
            record |= {"stdout": out[-2500:], "stderr": err[-2500:]}

    def tell_more(self, step, record):
        record["cudnn_log"] = self.last_of_log()
        if step.explain and self.end - time.monotonic() > LEAST:
            record["again"] = step.explain(step, self)

    def last_of_log(self, lines=40):
        try:
            return self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            return []


# ---- what steps print

def json_lines(out):
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


class GoogleTest:
    """Steps of a GoogleTest program. That nothing ran, or that something was skipped, is a failure: the GPU is there."""
    most = 12  # failures that are told in full

    def __init__(self, here, work):
        self.here, self.work = here, work

    def step(self, name, program, wanted, limit, prefix=()):
        result = self.work / (re.sub("[^a-z0-9]+", "-", name) + ".json")

        def parse(out):
            return self.read(result, out)

        return Step(name, [*prefix, self.here / "bin" / program, f"--gtest_filter={wanted}", f"--gtest_output=json:{result}"],
                    limit, parse, self.again)

    def read(self, path, out):
        if not path.exists():
            begun = re.findall(r"^\[ RUN      \] (\S+)", out, re.M)
            raise Failed(f"it ended within {begun[-1]}" if begun else "it ended before its first test")
        whole = json.loads(path.read_text())
        path.unlink()  # the next run's would be mistaken for this one
        cases = [(f"{suite['name']}.{case['name']}", case) for suite in whole["testsuites"] for case in suite["testsuite"]]
        bad = [{"test": name, "failures": [f["failure"][:1500] for f in case["failures"][:3]]}
               for name, case in cases if case.get("failures")]
        skipped = [name for name, case in cases if case["result"] == "SKIPPED"]
        found = {"tests": len(cases), "failed": len(bad), "skipped": len(skipped), "bad": bad[:self.most]}
        notes = {name: {key: case[key] for key in ("algorithm", "error") if key in case} for name, case in cases}
        if any(notes.values()):
            found["notes"] = {name.split("/")[-1]: note for name, note in notes.items() if note}
        if bad:
            raise Failed(f"{len(bad)} of {len(cases)} tests failed, first {bad[0]['test']}", found)
        if skipped or not cases:
            raise Failed(f"{len(skipped)} of {len(cases)} tests were skipped" if cases else "no test ran", found)
        return found

    def again(self, step, runner):
        """The first failing test alone, with cuDNN's log of every call."""
        record = runner.report["steps"][-1]
        bad = record.get("result", {}).get("bad", [])
        within = re.search(r"ended within (\S+)", record.get("why", ""))
        test = bad[0]["test"] if bad else within and within.group(1)
        if not test:
            return None
        command = [word for word in step.command if not str(word).startswith("--gtest_")] + [f"--gtest_filter={test}"]
        code, out, err = runner.process(dataclasses.replace(step, command=command), min(40, runner.end - time.monotonic()), 3)
        return {"test": test, "code": code, "stdout": out[-2500:], "stderr": err[-1500:], "cudnn_log": runner.last_of_log(60)}
