"""An analysis as a person reads it on a terminal: the mood, the length, then the sentences in the colour of theirs."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxmood.models import Analysis, Label

COLOURS: dict[Label, str] = {"negative": "red", "neutral": "yellow", "positive": "green"}
SIGNS: dict[Label, str] = {"negative": "▼", "neutral": "●", "positive": "▲"}

NOTABLE = 0.05  # less is the noise of the model


def clock(seconds: float) -> str:
    """83.4 -> 1:23."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def indented(content: RenderableType, by: int) -> Padding:
    """Spaces before, none after."""
    return Padding(content, (0, 0, 0, by), expand=False)


def render(name: str, analysis: Analysis) -> Group:
    """What `voxmood analyze` prints for one input."""
    head = Text(name, style="bold")
    facts = [analysis.language, None if analysis.duration is None else clock(analysis.duration)]
    if analysis.verdict is None:
        verdict = Text("· no speech", style="dim")
    else:
        verdict = Text(f"{SIGNS[analysis.verdict]} {analysis.verdict}", style=f"bold {COLOURS[analysis.verdict]}")
        verdict.append(f"  {analysis.confidence:.0%} sure, score {analysis.score:+.2f}", style="not bold")
    verdict.append("".join(f"  {fact}" for fact in facts if fact), style="dim")
    lines = Table.grid(padding=(0, 2))
    for sentence in analysis.sentences:
        time = "" if sentence.start is None else clock(sentence.start)
        text = Text(sentence.text, style=COLOURS[sentence.verdict])
        weighty = sorted(sentence.words or [], key=lambda word: -word.weight)[:3]
        text.append(
            "".join(f"  {word.text} {word.weight:+.2f}" for word in weighty if word.weight > NOTABLE), style="dim"
        )
        lines.add_row(Text(time, style="dim"), text)
    notes = [Text(f"! {warning}", style="dim") for warning in analysis.warnings]
    return Group(head, indented(verdict, 2), indented(lines, 4), *(indented(note, 2) for note in notes))


def show(console: Console, name: str, analysis: Analysis) -> None:
    """Print one analysis and an empty line."""
    console.print(render(name, analysis))
    console.print()
