"""Show the figures of asr_figures.py: a table for the terminal, asr.md, asr.json, and the cost curve asr.svg.

python -m bench.asr_report        # prints and draws bench/asr.json again; 2 s
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.asr_figures import LENGTHS
from docs.palette import STYLE

COLOURS = ("#1f6f8b", "#c8553d", "#e0a458", "#6a4c93", "#5b8c5a", "#8d8d8d", "#6db1c9", "#b98b73")
LANGUAGES = ("en", "ru")
WIDTH = 220  # characters of the table
HERE = Path(__file__).parent

Figures = dict[str, Any]


def columns(figures: Figures) -> list[str]:
    """The table's head."""
    clients = next(iter(figures["engines"].values()))["per_minute"]
    return [
        "engine",
        *(f"WER {lang}" for lang in LANGUAGES),
        *(f"wall {length} s" for length in LENGTHS),
        *(f"CPU {length} s" for length in LENGTHS),
        "peak RSS",
        *(f"msg/min, {number}" for number in clients),
    ]


def cells(figures: Figures) -> list[list[str]]:
    """A row for each engine: the first in its units, the others in ratios to it; error rates as they are."""
    rows = []
    for number, row in enumerate(figures["engines"].values()):
        first, ratio = number == 0, row["ratio"]
        line = [row["title"], *(_shown(row["wer"].get(lang), "{:.1%}") for lang in LANGUAGES)]
        for what in ("wall", "cpu"):
            own, form = (row[what], "{:.2f} s") if first else (ratio[what], "×{:.2f}")
            line += [_shown(own[str(length)], form) for length in LENGTHS]
        line.append(_shown(row["peak_mb"], "{:.0f} MB") if first else _shown(ratio["peak_mb"], "×{:.2f}"))
        own, form = (row["per_minute"], "{:.1f}") if first else (ratio["per_minute"], "×{:.2f}")
        line += [_shown(own[clients], form) for clients in row["per_minute"]]
        rows.append(line)
    return rows


def short_cells(figures: Figures) -> list[list[str]]:
    """A row for each engine about the clips of 3 to 12 s: ratios to the first, error rates, inventions."""
    return [
        [
            row["title"],
            *(_shown(row["ratio"][f"{what}_short"], "×{:.2f}") for what in ("wall", "cpu")),
            *(_shown(row["wer_short"].get(lang), "{:.1%}") for lang in LANGUAGES),
            str(row["invented_words_in_noise"]),
        ]
        for row in figures["engines"].values()
    ]


def show(figures: Figures) -> None:
    """Print the table."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    first, *rest = columns(figures)
    table = Table(box=SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for name in rest:
        table.add_column(name, justify="right")
    for line in cells(figures):
        table.add_row(*line)
    console.print(table)


def markdown(figures: Figures, machine: dict[str, Any], settings: dict[str, str]) -> str:
    """The table with what is needed to read it and to make it again."""
    short = ["engine", "wall", "CPU", *(f"WER {lang}" for lang in LANGUAGES), "words in noise"]
    count = ", ".join(f"{number} of {length} s" for length, number in figures["clips_of_length"].items())
    versions = {name: ", ".join(f"{k} {v}" for k, v in machine[name].items()) for name in ("voxmood", "peers")}
    return f"""# Speech recognition, beside what a user would pick instead

Made by `make bench`; the figures are in [asr.json](asr.json).

{_table([columns(figures), *cells(figures)])}

The first row in seconds, MB and messages a minute, the others in ratios to it: ×2 seconds is twice as slow, ×0.5
messages half as many. Seconds are medians for a clip of about that length, ratios the medians of the ratios clip by
clip. Messages last about {LENGTHS[1]} s and come from 1, 2 or 4 clients. Peak RSS is that of the whole process.

Clips of 3 to 12 s taken together ({figures["short_clips"]}, {figures["short_words"]} words), and the words that were
heard where nobody speaks:

{_table([short, *short_cells(figures)])}

![seconds against clip length](asr.svg)

## How

{figures["clips"]} clips, {figures["words"]} words ({count}), each to every engine over HTTP on the loopback \
interface, in shuffled order. The weights are the same (Whisper base), computed by
CTranslate2 in int8, by whisper.cpp in 16 bit, by the others in 32 bit. Every engine has {settings["threads"]} threads
(Voxmood one for each of as many recognitions), and finds out the language itself where the row does not say otherwise.

- Machine: {machine["processor"]}, {machine["cores"]} logical cores, {machine["memory_gb"]} GB, {machine["system"]}, \
Python {machine["python"]}.
- Voxmood: {versions["voxmood"]}.
- Peers: {versions["peers"]}.
- Rounds {settings["rounds"]}, load rounds {settings["load_rounds"]} of {settings["messages"]} messages, \
seed {settings["seed"]}.
"""


def curve(figures: Figures) -> Figure:
    """Wall seconds against the clip's length, a line for each engine."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    for colour, row in zip(COLOURS, figures["engines"].values(), strict=False):
        points = [(length, row["wall"][str(length)]) for length in LENGTHS if row["wall"][str(length)]]
        if points:
            axis.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3, label=row["title"])
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(LENGTHS)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("length of the clip, s")
    axis.set_ylabel("wall time, s")
    axis.grid(color="#e6e6e6", linewidth=0.6)
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    return figure


def write(folder: Path, figures: Figures, machine: dict[str, Any], settings: dict[str, str]) -> None:
    """Write asr.json, asr.md and asr.svg into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = {"machine": machine, "settings": settings, **figures}
    (folder / "asr.json").write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "asr.md").write_text(markdown(figures, machine, settings), encoding="utf-8")
    with mpl.rc_context(STYLE):
        curve(figures).savefig(folder / "asr.svg", metadata={"Date": None})


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _table(lines: list[list[str]]) -> str:
    """Markdown, all but the first column to the right."""
    rule = ["---", *["--:"] * (len(lines[0]) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def main() -> None:
    """Print and draw again what is written."""
    figures = json.loads((HERE / "asr.json").read_text(encoding="utf-8"))
    show(figures)
    write(HERE, figures, figures.pop("machine"), figures.pop("settings"))


if __name__ == "__main__":
    main()
