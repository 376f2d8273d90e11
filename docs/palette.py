"""How the pictures of the documentation and of the benchmarks look."""

from typing import Any

STYLE: Any = {
    "svg.fonttype": "none",  # text as text: small files, and the reader's own font
    "svg.hashsalt": "voxmood",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
TEAL, GREY, SAND = "#1f6f8b", "#b8b8b8", "#f2efe6"
MOODS = {"negative": "#c1553b", "neutral": "#8d9499", "positive": "#4d8b57"}
