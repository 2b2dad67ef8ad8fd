"""A report as JSON and as a text for people, and the least time that an op can take."""
import json
import os

BYTES = 4.3e12  # a second, as copies inside an H200's memory reach
FLOPS = {"fp32": 67e12, "tf32": 395e12, "fp16": 790e12, "bf16": 790e12}  # a second, of its matrix products


def counts(report):
    found = {}
    for step in report["steps"]:
        found[step["status"]] = found.get(step["status"], 0) + 1
    return found


def write(folder, report):
    """Each file whole or as it was before, however the run ends."""
    for name, text in (("report.json", json.dumps(report, indent=1) + "\n"), ("report.md", readable(report))):
        partial = folder / (name + ".partial")
        partial.write_text(text)
        os.replace(partial, folder / name)


def floor_ms(precision, pass_):
    return max(pass_["bytes"] / BYTES, pass_["flops"] / FLOPS[precision]) * 1e3


def cells(*values):
    return "| " + " | ".join("-" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in values) + " |"


def op_rows(precision, lines):
    """(name, pass, ms, floor in ms, kernel) of each op, and of all of them."""
    rows, sums = [], {}
    for line in lines:
        if line["op"] == "whole":
            continue
        for name in ("forward", "backward"):
            pass_ = line.get(name)
            if not pass_ or not pass_["ms"]:
                continue
            floor = floor_ms(precision, pass_)
            rows.append((line["op"], name, pass_["ms"], floor, line["kernel"]))
            total = sums.setdefault(name, [0.0, 0.0])
            total[0] += pass_["ms"]
            total[1] += floor
    return rows + [("all", name, ms, floor, "") for name, (ms, floor) in sums.items()]


def op_table(step):
    precision, mode = step["name"].split()[-2:]
    lines = step["result"]
    text = [f"### {step['name']}", "", "| op | pass | ms | floor, ms | share of the floor | kernel |", "|---|---|---:|---:|---:|---|"]
    text += [cells(op, name, ms, floor, f"{floor / ms:.0%}", kernel) for op, name, ms, floor, kernel in op_rows(precision, lines)]
    whole = [line["forward"]["ms"] for line in lines if line["op"] == "whole"]
    if whole:
        text += ["", f"The whole {'step' if mode == 'train' else 'pass'}, its pictures on the device: {whole[0]:.3f} ms."]
    return text + [""]


def end_to_end(report):
    """{(model, batch, precision, mode): {program: [ms from host to host, ms with the pictures on the device]}}"""
    found = {}

    def add(key, program, host=None, device=None):
        times = found.setdefault(key, {}).setdefault(program, [None, None])
        times[:] = [new if new is not None else old for old, new in zip(times, (host, device))]

    for step in report["steps"]:
        result, words = step.get("result"), step["name"].split()
        if step["status"] != "passed":
            continue
        if words[0] == "bench":
            add((result["model"], result["batch"], result["precision"], result["mode"]), "libalexnet", host=result["median_ms"])
        elif words[:2] == ["op", "times:"]:
            model, batch, precision, mode = words[2:]
            whole = [line["forward"]["ms"] for line in result if line["op"] == "whole"]
            add((model, int(batch), precision, mode), "libalexnet", device=whole[0] if whole else None)
        elif words[0] == "torch":
            for line in result:
                add(("alexnet", line["batch"], line["precision"], line["mode"]), line["program"], line["median_ms"], line["on_device_ms"])
    return found


def end_table(report):
    found = end_to_end(report)
    if not found:
        return []
    text = ["## End to end", "", "| model | batch | precision | | program | host to host, ms | its pictures on the device, ms |",
            "|---|---:|---|---|---|---:|---:|"]
    for key, programs in sorted(found.items()):
        text += [cells(*key, program, *times) for program, times in programs.items()]
    return text + [""]


def kernel_table(step):
    kernels = [line for line in step["result"] if "kernel" in line]
    if not kernels:
        return []
    text = [f"### {step['name']}: kernels of two runs", "", "| kernel | us |", "|---|---:|"]
    return text + [cells(f"`{line['kernel']}`", line["us"]) for line in kernels] + [""]


def fenced(title, text):
    if not text:
        return []
    return [f"{title}:", "```", *(text if isinstance(text, list) else text.strip().splitlines()), "```"]


def failure(step):
    text = [f"### {step['name']}: {step['why']}", "", f"`{' '.join(step['command'])}`, exit code: {step['code']}", ""]
    result = step.get("result")
    bad = result.get("bad", []) if isinstance(result, dict) else []
    for test in bad:
        text += fenced(test["test"], "\n".join(test["failures"]))
    if not bad:
        text += fenced("The end of its output", step.get("stdout", "")) + fenced("and of its messages", step.get("stderr", ""))
    again = step.get("again")
    if again:
        text += fenced(f"{again['test']} alone ended with {again['code']}; the end of its output", again["stdout"])
        text += fenced("cuDNN's log", again["cudnn_log"]) or ["cuDNN wrote no log."]
    else:
        text += fenced("cuDNN's log", step.get("cudnn_log"))
    return text + [""]


def exactness(report):
    """The largest error of each kind of op in each precision, of steps that passed."""
    text = []
    for step in report["steps"]:
        notes = step.get("result", {}).get("notes") if isinstance(step.get("result"), dict) else None
        if notes:
            worst = sorted(notes.items(), key=lambda note: -float(note[1]["error"]))[:5]
            text.append(f"- {step['name']}: " + "; ".join(f"{name} {note['error']}" for name, note in worst))
    return ["## Furthest off", "", *text, ""] if text else []


def summary(report):
    for step in report["steps"]:
        yield cells(step["name"], step["status"], step.get("seconds"), step.get("why", "").replace("\n", " ").replace("|", "/")[:160])


def readable(report):
    bundle, host = report["bundle"], report.get("host", {})
    gpus = [step["result"] for step in report["steps"] if step["name"] == "the GPU" and step["status"] == "passed"]
    text = ["# GPU report", "", f"{report['date']}, commit {bundle.get('commit', 'unknown')}"
            f"{', a simulated machine' if report['simulated'] else ''}"]
    text += ["", "| machine | |", "|---|---|"]
    text += [cells(name, value) for gpu in gpus for one in gpu for name, value in one.items()]
    text += [cells(name, value) for name, value in [*host.items(), *report["libraries"].items()]]
    text += ["", "## Steps", "", "| step | | s | |", "|---|---|---:|---|", *summary(report), ""]
    failed = [step for step in report["steps"] if step["status"] == "failed"]
    if failed:
        text += ["## Failures", ""]
    for step in failed:
        text += failure(step)
    text += end_table(report)
    timed = [step for step in report["steps"] if step["name"].startswith("op times") and step["status"] == "passed"]
    if timed:
        text += ["## Ops alone", "", "The floor is what the bytes take at 4.3 TB/s or the arithmetic at 67 (fp32), 395 (tf32) or 790 TFLOP/s "
                 "(fp16, bf16), whichever is more. What fits in the L2 cache may be above it.", ""]
    for step in timed:
        text += op_table(step)
    text += exactness(report)
    for step in report["steps"]:
        if step["name"].startswith("torch's answers") and step["status"] == "passed":
            text += kernel_table(step)
    return "\n".join(text) + "\n"
