"""Rows, ratios and tables of scripts/bench-peers. Needs nothing beyond Python."""
import json
import pathlib
import statistics
from typing import NamedTuple

OWN = "libalexnet"
BEGIN, END = "<!-- bench-peers: begin -->", "<!-- bench-peers: end -->"
COLUMNS = ("AVX-512", "AVX2")
NEAR = 1.05  # less is no difference that a measurement shows


class Row(NamedTuple):
    network: str
    phase: str  # infer or train
    batch: int
    goals: tuple = (NEAR, NEAR)  # ratios, in the order of COLUMNS

    @property
    def name(self):
        return f"{self.phase} {self.network} {self.batch}"


ROWS = [
    Row("alexnet", "infer", 1, (1.33, 1.54)),  # 0.75 and 0.65 of the best other's time
    *(Row(network, "infer", batch, (2.0, 2.2)) for network in ("alexnet", "alexnet-2012", "caffenet") for batch in (8, 32, 128)),
    *(Row(network, "infer", 32) for network in ("alexnet-caffe", "alexnet-2012-6conv", "alexnet-2012-original")),
    *(Row(network, "infer", 128) for network in ("alexnet-cifar10", "fig1-relu", "fig1-tanh", "convnet-18pct")),
    *(Row("alexnet", "train", batch, (2.3, 2.4)) for batch in (32, 128)),
    *(Row(network, "train", 32, (2.2, 2.4)) for network in ("alexnet-2012", "alexnet-caffe")),
    *(Row(network, "train", 32) for network in ("caffenet", "alexnet-2012-6conv", "alexnet-2012-original")),
    Row("alexnet-cifar10", "train", 128, (4.0, 5.0)),
    *(Row(network, "train", 128) for network in ("fig1-relu", "fig1-tanh", "convnet-18pct")),
]


def best_peer(programs):
    """(program, ratio) of the peer that comes nearest to or beats libalexnet, or None where one side has no numbers.

    A peer's ratio is the median over the rounds of its time over libalexnet's in the same round.
    """
    own = programs.get(OWN, {}).get("median_ms")
    ratios = {
        name: statistics.median(theirs / ours for theirs, ours in zip(found["median_ms"], own, strict=True))
        for name, found in programs.items() if name != OWN and found["median_ms"]
    } if own else {}
    return min(ratios.items(), key=lambda pair: pair[1]) if ratios else None


def column_of(machine):
    """The table's column that a machine's numbers belong into. AVX-512 switched off is no machine of AVX2."""
    used, has = machine["instructions"], machine["has_avx512"]
    if used.startswith("AVX-512"):
        return "AVX-512"
    return "AVX2" if used.startswith("AVX2") and not has else None


def collect(documents):
    """{(row name, busy): {column: measured row}} and {column: documents that gave one}; later dates replace earlier ones."""
    cells, sources = {}, {column: [] for column in COLUMNS}
    for document in sorted(documents, key=lambda d: d["date"]):
        column = column_of(document["machine"])
        for measured in document["rows"] if column else []:
            if not best_peer(measured["programs"]):
                continue
            row = Row(measured["network"], measured["phase"], measured["batch"])
            cells.setdefault((row.name, measured["busy"]), {})[column] = measured | {"from": document}
    for columns in cells.values():
        for column, measured in columns.items():
            if measured["from"] not in sources[column]:
                sources[column].append(measured["from"])
    return cells, sources


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def cell_texts(measured, goal):
    """libalexnet's time, the best peer with its time, the ratio, the peak memory of both."""
    if not measured:
        return [""] * 4
    programs = measured["programs"]
    peer, ratio = best_peer(programs)
    own, other = programs[OWN], programs[peer]
    text = f"{ratio:.2f}"
    return [number(statistics.median(own["median_ms"])), f"{peer} {number(statistics.median(other['median_ms']))}",
            f"**{text}**" if float(text) >= goal else text,
            f"{number(max(own['peak_mb']))} / {number(max(other['peak_mb']))}"]


def source_line(column, document):
    machine, settings = document["machine"], document["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    return (f"- {column}: {machine['cpu']}, {machine['cores']} cores, {settings['threads']} threads, {machine['instructions']}; "
            f"{versions}; {settings['rounds']} rounds of {settings['seconds']:g} s; {document['date'][:10]}")


def one_table(title, rows, cells, busy):
    heads = [f"{column}{what}" for column in COLUMNS for what in (", ms", ": best other, ms", ": ratio", ": MB")]
    lines = [f"| {title} | goal, {' / '.join(COLUMNS)} | {' | '.join(heads)} |", "|---|---:|" + "---:|---|---:|---:|" * len(COLUMNS)]
    for row in rows:
        found = cells.get((row.name, busy), {})
        texts = [text for column, goal in zip(COLUMNS, row.goals) for text in cell_texts(found.get(column), goal)]
        goals = " / ".join(f"{goal:g}" for goal in row.goals)
        lines.append(f"| {row.network}, {row.batch} | {goals} | {' | '.join(texts)} |")
    return "\n".join(lines)


def state_text(busy):
    return {"0": "Nothing else runs", "1": "One core is busy", "all": "All cores are busy"}[busy]


def tables(documents):
    """The text between the two markers."""
    cells, sources = collect(documents)
    paragraphs = [
        "A ratio is the best other program's time over libalexnet's: the median of the rounds, and above 1 libalexnet is faster; bold "
        "where it reaches the goal.\nAVX2 counts only where the machine has no AVX-512: runs that merely switch AVX-512 off are not in "
        "the table. An empty cell was not measured.\nMB: peak memory of both processes.",
        "\n".join(dict.fromkeys(source_line(column, document) for column in COLUMNS for document in sources[column]))
        or "Nothing is measured yet.",
    ]
    for busy in ("0", "1", "all"):
        if busy != "0" and not any(state == busy for _, state in cells):
            continue
        paragraphs.append(f"**{state_text(busy)}**")
        for phase, title in (("infer", "inference of one batch"), ("train", "one training step")):
            rows = [row for row in ROWS if row.phase == phase and (busy == "0" or (row.name, busy) in cells)]
            if rows:
                paragraphs.append(one_table(title, rows, cells, busy))
    return "\n\n".join(paragraphs)


def replace_between(text, new):
    """`text` with `new` in place of what stands between the markers."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"not one '{BEGIN}' with one '{END}' after it")
    return text[: text.index(BEGIN) + len(BEGIN)] + "\n" + new + "\n" + text[text.index(END) :]


def write_tables(files, page):
    """The files whose machine has no column are returned."""
    documents = [json.loads(pathlib.Path(file).read_text(encoding="utf-8")) for file in files]
    page = pathlib.Path(page)
    page.write_text(replace_between(page.read_text(encoding="utf-8"), tables(documents)), encoding="utf-8")
    return [file for file, document in zip(files, documents) if not column_of(document["machine"])]
