"""docs/ladder.json, and what is made of it: the tables in docs/ladder.md and the plot docs/ladder.svg.

The file holds one entry a rung: title, settings, epochs (steps for the sigmoids), tests (accuracy and macro_f1 in
percent by test file), contrast (see contrast.py), parameters, ms (CPU time of a text) and minutes (CPU time of the
training). Not done here: any judging.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from training.metrics import markdown

Entries = dict[str, dict[str, Any]]


def load(docs: Path) -> Entries:
    """The entries by rung."""
    path = docs / "ladder.json"
    entries: Entries = json.loads(path.read_text()) if path.exists() else {}
    return entries


def save(docs: Path, entries: Entries, order: Sequence[str]) -> Entries:
    """Write the entries that `order` names, and the tables and the plot that show them; return them."""
    entries = {name: entries[name] for name in order if name in entries}
    (docs / "ladder.json").write_text(json.dumps(entries, indent=1) + "\n")
    page = docs / "ladder.md"
    text = page.read_text()
    for name, rows in (("ladder", table(entries)), ("contrast", contrast_table(entries))):
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        text = f"{before}{start}{rows}\n{end}{after}"
    page.write_text(text)
    plot(entries, docs / "ladder.svg")
    return entries


def mean(entry: dict[str, Any], figure: str) -> float:
    """Mean of a figure over the test files."""
    values = [figures[figure] for figures in entry["tests"].values()]
    return float(sum(values) / len(values))


def table(entries: Entries) -> str:
    """Markdown table of the rungs."""
    header = ["rung", "accuracy", "macro-F1", "contrast pairs", "parameters", "ms a text", "training, CPU minutes"]
    rows = [
        [
            entry["title"],
            f"{mean(entry, 'accuracy'):.1f}",
            f"{mean(entry, 'macro_f1'):.1f}",
            f"{entry['contrast']['all']['pairs']:.0f}",
            f"{entry['parameters']:,}",
            f"{entry['ms']:.2f}",
            "" if entry["minutes"] is None else f"{entry['minutes']:.1f}",
        ]
        for entry in entries.values()
    ]
    return markdown(header, rows)


def contrast_table(entries: Entries) -> str:
    """Markdown table of the contrast pairs with both texts right, by language and phenomenon, in percent."""
    groups = list(next(iter(entries.values()))["contrast"])
    rows = []
    for entry in entries.values():
        found = entry["contrast"]
        values = [found["all"]["texts"], *(found[group]["pairs"] for group in groups)]
        rows.append([entry["title"], *(f"{value:.0f}" for value in values)])
    return markdown(["rung", "single texts", "pairs", *groups[1:]], rows)


def plot(entries: Entries, to: Path) -> None:
    """Two bars a rung: macro-F1 on the test files, and the contrast pairs with both texts right."""
    mpl.rcParams.update({"svg.hashsalt": "ladder", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(8, 1.2 + 0.42 * len(entries)), layout="constrained")
    axes = figure.subplots()
    places = range(len(entries))
    bars = (
        ("macro-F1, mean of the test files", "#2a6f97", [mean(entry, "macro_f1") for entry in entries.values()]),
        ("contrast pairs, both right", "#e09f3e", [entry["contrast"]["all"]["pairs"] for entry in entries.values()]),
    )
    for shift, (label, colour, values) in zip((-0.2, 0.2), bars, strict=True):
        drawn = axes.barh([place + shift for place in places], values, height=0.36, color=colour, label=label)
        axes.bar_label(drawn, fmt="%.0f", padding=3, fontsize=8)
    axes.axvline(25, color="#777777", linewidth=0.8, linestyle=":")
    axes.set_yticks(list(places), [entry["title"] for entry in entries.values()])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent; dotted: pairs that guessing gets right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(to, metadata={"Date": None})
