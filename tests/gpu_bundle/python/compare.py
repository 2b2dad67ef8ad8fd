"""What changed from one report to another."""
import json
import sys

import report

NOISE = 0.03  # relative; times closer than that are not told


def loaded(path):
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    if found.get("format") != 1:
        raise ValueError(f"{path} is a report of format {found.get('format')}; this script reads format 1")
    return found


def machine(found):
    gpus = [step["result"] for step in found["steps"] if step["name"] == "the GPU" and step["status"] == "passed"]
    told = ("name", "driver_version", "clocks.max.sm", "power.limit")
    facts = {name: value for gpu in gpus for name, value in gpu[0].items() if name in told}
    return facts | found.get("host", {}) | found["libraries"] | {"commit": found["bundle"].get("commit", "unknown")}


def statuses(old, new):
    before = {step["name"]: step for step in old["steps"]}
    after = {step["name"]: step for step in new["steps"]}
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = (steps.get(name, {"status": "absent"}) for steps in (before, after))
        if was["status"] != now["status"]:
            yield f"{name}: {was['status']} -> {now['status']}" + (f" ({now['why']})" if now.get("why") else "")
        yield from failures(name, was, now)


def failing(step):
    result = step.get("result")
    return [test["test"] for test in result.get("bad", [])] if isinstance(result, dict) else []


def failures(name, was, now):
    for test in failing(now):
        if test not in failing(was):
            yield f"{name}: {test} fails now"
    for test in failing(was):
        if now["status"] in ("passed", "failed") and test not in failing(now):
            yield f"{name}: {test} fails no more"


def changed(what, was, now, unit="ms"):
    if not was or not now or abs(now / was - 1) < NOISE:
        return []
    return [f"{what}: {was:.3f} -> {now:.3f} {unit} ({now / was - 1:+.0%})"]


def op_times(old, new):
    before = {step["name"]: step for step in old["steps"] if step["name"].startswith("op times") and step["status"] == "passed"}
    for step in new["steps"]:
        if step["name"] not in before or step["status"] != "passed":
            continue
        precision = step["name"].split()[-2]
        was = {row[:2]: row for row in report.op_rows(precision, before[step["name"]]["result"])}
        for op, pass_, ms, _, kernel in report.op_rows(precision, step["result"]):
            if (op, pass_) not in was:
                continue
            _, _, old_ms, _, old_kernel = was[op, pass_]
            yield from changed(f"{step['name'][len('op times: '):]}, {op} {pass_}", old_ms, ms)
            if kernel != old_kernel and pass_ == "forward":
                yield f"{step['name'][len('op times: '):]}, {op}: {old_kernel} -> {kernel}"


def ends(old, new):
    before, after = report.end_to_end(old), report.end_to_end(new)
    for key, programs in sorted(after.items()):
        for program, times in programs.items():
            was = before.get(key, {}).get(program)
            for where, old_ms, ms in zip(("host to host", "on the device"), was or (), times):
                yield from changed(f"{' '.join(map(str, key))}, {program}, {where}", old_ms, ms)


def compare(old_path, new_path):
    """The text, and whether something that passed fails now."""
    old, new = loaded(old_path), loaded(new_path)
    were, are = machine(old), machine(new)
    text = [f"{name}: {were.get(name, '-')} -> {are.get(name, '-')}" for name in {**were, **are} if were.get(name) != are.get(name)]
    sections = [("Machine and build", text), ("Steps and tests", list(statuses(old, new))), ("End to end", list(ends(old, new))),
                ("Ops alone", list(op_times(old, new)))]
    lines = []
    for title, found in sections:
        lines += [f"{title}:"] + [f"  {line}" for line in found or ["no change"]]
    passed = {step["name"] for step in old["steps"] if step["status"] == "passed"}
    worse = any(step["status"] == "failed" and step["name"] in passed for step in new["steps"])
    return "\n".join(lines), worse


def main():
    if len(sys.argv) != 3:
        print("usage: compare.py OLD NEW, two report.json", file=sys.stderr)
        return 2
    try:
        text, worse = compare(*sys.argv[1:])
    except (OSError, ValueError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    print(text)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
