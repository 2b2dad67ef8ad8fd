#!/usr/bin/env python3
"""bench_peers_test.py SCRIPT PROGRAM: scripts/bench-peers has a row for every network in both phases, takes ratios round by round, and
writes the tables from results made up here. Nothing is measured."""
import json
import pathlib
import re
import subprocess
import sys

PAGE = "# Speed\n<!-- bench-peers: begin -->\nold\n<!-- bench-peers: end -->\n## After\n"


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}:\n{got!r}, not\n{wanted!r}")


def call(script, *args):
    return subprocess.run([sys.executable, script, *args], capture_output=True, text=True, timeout=100, check=False)


def programs(**medians):
    return {name: {"median_ms": values, "peak_mb": [100, 300, 200] if name == "libalexnet" else [1500.0]}
            for name, values in medians.items()}


def document(name, instructions, has_avx512, rows, date="2026-01-02T03:04:05"):
    text = {"format": 1, "date": date, "versions": {"libalexnet": "0.9.0", "torch": "2.15.0"}, "rows": rows,
            "machine": {"cpu": name, "cores": 4, "instructions": instructions, "has_avx512": has_avx512},
            "settings": {"rounds": 3, "seconds": 2.0, "threads": 3}}
    pathlib.Path(f"{name}.json").write_text(json.dumps(text), encoding="utf-8")
    return f"{name}.json"


def row(network, phase, batch, busy="0", **medians):
    return {"network": network, "phase": phase, "batch": batch, "busy": busy, "programs": programs(**medians), "left_out": {}}


def ratios(best_peer):
    """torch's medians lie farther away than onnxruntime's; round by round it is nearer."""
    own = [10, 40, 20]
    found = best_peer(programs(libalexnet=own, torch=[12, 44, 60], onnxruntime=[20, 80, 26]))
    expect("best peer", (found[0], round(found[1], 6)), ("torch", 1.2))
    expect("a peer without times", best_peer(programs(libalexnet=own, torch=[])), None)
    expect("no peer", best_peer(programs(libalexnet=own)), None)
    expect("peers alone", best_peer(programs(torch=own)), None)


def tables(script):
    files = [
        document("wide", "AVX-512 with AMX", True, [
            row("alexnet", "infer", 8, libalexnet=[10, 40, 20], torch=[12, 44, 60], onnxruntime=[20, 80, 26]),
            row("alexnet", "train", 128, libalexnet=[2000, 2000, 2000], torch=[2080, 2080, 2080]),
            row("alexnet", "train", 32, busy="all", libalexnet=[1, 1, 1], torch=[3, 3, 3])]),
        document("older", "AVX-512", True, [row("alexnet", "infer", 8, libalexnet=[1, 1, 1], torch=[9, 9, 9])], "2025-01-01"),
        document("narrow", "AVX2", False, [row("alexnet", "infer", 8, libalexnet=[50, 50, 50], torch=[25, 25, 25])]),
        document("switched", "AVX2", True, [row("caffenet", "infer", 8, libalexnet=[1, 1, 1], torch=[7, 7, 7])]),
    ]
    page = pathlib.Path("page.md")
    page.write_text(PAGE, encoding="utf-8")
    done = call(script, "--page", page, "--table", *files)
    expect("--table", (done.returncode, done.stderr.split(":")[1:2]), (0, [" switched.json is not in the tables"]))
    text = page.read_text(encoding="utf-8")
    expect("outside the markers", re.sub(r"(?s)(begin -->\n).*(<!-- bench-peers: end)", r"\1old\n\2", text), PAGE)
    lines = text.split("\n")
    for line in (
        "| alexnet, 8 | 2 / 2.2 | 20 | torch 44 | 1.20 | 300 / 1,500 | 50 | torch 25 | 0.50 | 300 / 1,500 |",
        "| alexnet, 128 | 2.3 / 2.4 | 2,000 | torch 2,080 | 1.04 | 300 / 1,500 |  |  |  |  |",
        "| caffenet, 8 | 2 / 2.2 |  |  |  |  |  |  |  |  |",  # AVX-512 was switched off: it does not count
        "| alexnet, 32 | 2.3 / 2.4 | 1 | torch 3 | **3.00** | 300 / 1,500 |  |  |  |  |",  # of the table for busy cores
        "- AVX-512: wide, 4 cores, 3 threads, AVX-512 with AMX; libalexnet 0.9.0, torch 2.15.0; 3 rounds of 2 s; 2026-01-02",
        "**Nothing else runs**", "**All cores are busy**",
    ):
        expect(f"times that the page has {line!r}", lines.count(line), 1)
    before_busy = text[: text.index("**All cores")]
    expect("busy rows among the quiet", "torch 3 |" in before_busy, False)
    for absent in ("One core", "older", "switched,", "torch 7", "torch 9", "\nold\n"):
        expect(f"the page has {absent!r}", absent in text, False)
    expect("says when AVX2 counts", "AVX2 counts only where the machine has no AVX-512" in text, True)


def no_markers(script):
    page = pathlib.Path("bare.md")
    for text in ("no markers\n", PAGE + PAGE, "<!-- bench-peers: begin -->\n" + PAGE,
                 "<!-- bench-peers: end -->\n<!-- bench-peers: begin -->\n"):
        page.write_text(text, encoding="utf-8")
        expect("exit code without markers", call(script, "--page", page, "--table", "wide.json").returncode, 1)
        expect("page without markers", page.read_text(encoding="utf-8"), text)


def every_network(script, program):
    told = subprocess.run([program, "info", "--help"], capture_output=True, text=True, timeout=100, check=True).stdout
    networks = re.search(r"or one of (.*)", told)[1].split(", ")
    listed = call(script, "--list").stdout
    for network in networks:
        for phase in ("infer", "train"):
            expect(f"{network} has a row of {phase}", bool(re.search(rf"^{phase} {network} \d+ .*libalexnet", listed, re.MULTILINE)), True)
    expect("--rows", call(script, "--list", "--rows", "^infer alexnet 1$").stdout.split()[2:],
           ["1", "libalexnet", "torch", "torch-channels-last", "torch-compiled", "onnxruntime", "openvino", "ncnn"])
    expect("a program that is none", call(script, "--list", "--programs", "torch,lua").returncode, 2)


def main():
    script, program = sys.argv[1:]
    sys.dont_write_bytecode = True  # it would lie in the source tree
    sys.path.insert(0, str(pathlib.Path(script).parent))
    from bench_peers_table import best_peer

    ratios(best_peer)
    tables(script)
    no_markers(script)
    every_network(script, program)


if __name__ == "__main__":
    main()
