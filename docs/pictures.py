"""Draw the pictures of the documentation: `python -m docs.pictures`, 10 s.

The same figures give the same files, to the byte. What the models make of a voice is in inside.py.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from docs.palette import SAND, STYLE, TEAL
from docs.pictures_of_sound import heard, window
from docs.pictures_of_text import attention, plane, softmax, vectors

FOLDER = Path(__file__).with_name("pictures")


def box(axes: Axes, x: float, y: float, text: str, below: str = "", *, size: tuple[float, float] = (1.9, 0.8)) -> None:
    """A box around (x, y) with a name, and what it does if it is one of ours."""
    corner = (x - size[0] / 2, y - size[1] / 2)
    fill = SAND if below else "white"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.12", fc=fill, ec=TEAL))
    axes.text(x, y + (0.15 if below else 0), text, ha="center", va="center", weight="bold")
    axes.text(x, y - 0.18, below, ha="center", va="center", size=7.5)


def arrow(axes: Axes, start: float, end: float, y: float, text: str = "") -> None:
    """A level arrow with what goes along it."""
    axes.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "-|>", "color": TEAL, "shrinkA": 2, "shrinkB": 2})
    axes.text((start + end) / 2, y + 0.08, text, ha="center", va="bottom", size=7.5)


def flow() -> Figure:
    """Who asks whom."""
    figure = Figure(figsize=(7.8, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 11.4), ylim=(0, 3.6), aspect="equal")
    axes.axis("off")
    box(axes, 3.6, 3.0, "gateway", "port 8000")
    box(axes, 6.2, 1.8, "Analyzer", "of the package\nvoxmood", size=(1.9, 3.2))
    box(axes, 10.2, 2.65, "asr", "port 8001: Whisper", size=(2.2, 1.2))
    box(axes, 10.2, 0.95, "sentiment", "port 8002: BERT", size=(2.2, 1.2))
    for name, y, to in (("curl, browser", 3.0, 2.65), ("voxmood analyze", 1.8, 5.25), ("Telegram bot", 0.6, 5.25)):
        box(axes, 1.0, y, name)
        arrow(axes, 1.95, to, y)
    arrow(axes, 4.55, 5.25, 3.0)
    arrow(axes, 7.15, 9.1, 2.8, "audio")
    arrow(axes, 9.1, 7.15, 2.3, "segments, times")
    arrow(axes, 7.15, 9.1, 1.1, "sentences")
    arrow(axes, 9.1, 7.15, 0.6, "probabilities")
    return figure


PICTURES: list[Callable[[], Figure]] = [flow, heard, window, attention, vectors, plane, softmax]


def draw(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for picture in PICTURES:
            picture().savefig(folder / f"{picture.__name__}.svg", metadata={"Date": None}, dpi=150)


if __name__ == "__main__":
    draw(FOLDER)
