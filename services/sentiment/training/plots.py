"""Draw metrics.json: what is taken for what, and how honest the confidence is.

    python -m training.plots        # 3 s; evaluate.py does it too

Writes figures/confusion.svg and figures/reliability.svg. The same figures give the same files, to the byte.
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training.metrics import METRICS, MODEL, load
from voxmood_sentiment.labels import VERDICTS

STYLE: Any = {
    "svg.fonttype": "none",  # text as text: small files, and the reader's own font
    "svg.hashsalt": "voxmood",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
NAMES = {"all": "all", "en": "English", "ru": "Russian"}
COLOURS = {"before": "#b8b8b8", "after": "#1f6f8b"}


def confusion(matrices: dict[str, list[list[int]]]) -> Figure:
    """A matrix for each test file, rows of it in percent."""
    columns = min(4, len(matrices))
    lines = -(-len(matrices) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.55 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes[len(matrices) :]:
        axis.set_visible(False)
    short = [label[:3] for label in VERDICTS]
    for number, (axis, (source, matrix)) in enumerate(zip(axes, matrices.items(), strict=False)):
        counts = np.array(matrix, float)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.pcolormesh(shares, cmap="GnBu", vmin=0, vmax=1, edgecolor="white", linewidth=1)
        for row, column in np.ndindex(shares.shape):
            if counts[row].sum():
                colour = "white" if shares[row, column] > 0.6 else "black"
                axis.text(column + 0.5, row + 0.5, f"{shares[row, column]:.0%}", ha="center", va="center", color=colour)
        axis.set_title(source, fontsize=10)
        axis.set_xticks(np.arange(3) + 0.5, short)
        axis.set_yticks(np.arange(3) + 0.5, short)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.invert_yaxis()
        axis.set_aspect("equal")
        if number % columns == 0:
            axis.set_ylabel("label")
        if number + columns >= len(matrices):
            axis.set_xlabel("verdict")
    return figure


def reliability(calibration: dict[str, Any]) -> Figure:
    """Accuracy at each confidence, a panel for all and for each language; below it how many verdicts have it."""
    names = [name for name in NAMES if name in calibration]
    figure = Figure(figsize=(2.9 * len(names), 3.6), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False, sharex=True, height_ratios=(4, 1))
    for column, name in enumerate(names):
        own = calibration[name]
        axis, below = panels[:, column]
        axis.plot([0, 1], [0, 1], color="black", linewidth=0.7, linestyle=":")
        for when, bins, error in (
            ("before", own["bins_before"], own["calibration_error_before"]),
            ("after", own["bins"], own["calibration_error"]),
        ):
            points = [(each["confidence"], each["accuracy"]) for each in bins]
            axis.plot(
                *zip(*points, strict=True), marker="o", markersize=3, color=COLOURS[when], label=f"{when}: {error:.3f}"
            )
        axis.set_title(NAMES[name], fontsize=10)
        axis.legend(title="calibration error", fontsize=8, title_fontsize=8, loc="upper left", frameon=False)
        below.bar(
            [each["confidence"] for each in own["bins"]],
            [100 * each["share"] for each in own["bins"]],
            width=0.045,
            color=COLOURS["after"],
        )
        axis.set_xlim(0.3, 1)
        axis.set_ylim(0.2, 1)
        below.set_xlabel("confidence")
        for each in (axis, below):
            if calibration["hard_to_say_below"]:
                each.axvspan(0, calibration["hard_to_say_below"], color="#f2efe6", zorder=0)
    panels[0, 0].set_ylabel("share that is right")
    panels[1, 0].set_ylabel("% of rows")
    return figure


def draw(metrics: dict[str, Any], folder: Path) -> None:
    """Write both figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        confusion(metrics["confusion"]).savefig(folder / "confusion.svg", metadata={"Date": None})
        reliability(metrics["calibration"]).savefig(folder / "reliability.svg", metadata={"Date": None})


if __name__ == "__main__":
    draw(load(METRICS), MODEL.parent / "figures")
