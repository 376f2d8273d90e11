"""The plots of a report: Vega-Lite specifications, drawn as SVG by vl-convert, which has all of Vega inside itself.

The SVG holds no script and no style attribute, and takes its colours from the page's style sheet (report.css), so that
it is light or dark with it. Not done here: counting.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import vl_convert

MOODS = ["negative", "neutral", "positive"]
COLOUR = {"domain": MOODS, "range": [f"var(--{mood})" for mood in MOODS]}
AXIS = {
    "domain": False,
    "gridColor": "var(--edge)",
    "labelColor": "var(--faint)",
    "labelFontSize": 12,
    "labelPadding": 6,
    "ticks": False,
    "title": None,
}
CONFIG = {
    "axis": AXIS,
    "background": None,
    "legend": {"labelColor": "var(--ink)", "labelFontSize": 12, "orient": "top", "title": None},
    "view": {"stroke": None},
}
WIDTH = 720


def over_time(dots: Sequence[tuple[datetime, float, str]], means: Sequence[tuple[datetime, float]]) -> str:
    """A dot for each recording (time, score, verdict), and a line through the means."""
    when = {
        "field": "when",
        "type": "temporal",
        "scale": {"type": "utc", "padding": 12},
        "axis": {"grid": False, "tickCount": 8},
    }
    score = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [-1, 1]},
        "axis": {"values": [-1, 0, 1], "labelExpr": "['negative', '0', 'positive'][datum.value + 1]"},
    }
    line = {"type": "line", "color": "var(--ink)", "strokeWidth": 2, "point": {"color": "var(--ink)", "size": 30}}
    return draw(
        {
            "height": 260,
            "encoding": {"x": when, "y": score},
            "layer": [
                {"data": {"values": [{"when": at(t), "score": s} for t, s in means]}, "mark": line},
                {
                    "data": {"values": [{"when": at(t), "score": s, "verdict": v} for t, s, v in dots]},
                    "mark": {"type": "circle", "size": 45, "opacity": 0.7},
                    "encoding": {"color": {"field": "verdict", "type": "nominal", "scale": COLOUR}},
                },
            ],
        }
    )


def by_speaker(counts: Sequence[tuple[str, dict[str, int]]]) -> str:
    """A bar for each speaker, in the order given: the shares of the three moods."""
    values = [
        {"speaker": name, "place": place, "mood": mood, "order": MOODS.index(mood), "count": moods[mood]}
        for place, (name, moods) in enumerate(counts)
        for mood in MOODS
    ]
    speaker = {"field": "speaker", "type": "nominal", "sort": {"field": "place"}, "axis": {"labelLimit": 200}}
    share = {"field": "count", "type": "quantitative", "stack": "normalize", "axis": {"format": "%", "tickCount": 5}}
    return draw(
        {
            "height": {"step": 26},
            "data": {"values": values},
            "mark": "bar",
            "encoding": {
                "y": speaker,
                "x": share,
                "color": {"field": "mood", "type": "nominal", "scale": COLOUR},
                "order": {"field": "order"},
            },
        }
    )


def at(when: datetime) -> str:
    """The clock on the wall, whatever the time zone of the machine that draws: Vega is told it is UTC."""
    return f"{when.isoformat()}Z"


def draw(plot: dict[str, Any]) -> str:
    """SVG. Names are safe in it: Vega escapes text."""
    return vl_convert.vegalite_to_svg(
        {"width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}, "config": CONFIG, **plot}
    )
