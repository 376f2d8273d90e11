"""An analysis as a person reads it on a terminal: the mood, the length, then the sentences in the colour of theirs.

An explained sentence is dim but for the words that weigh: those that speak for its mood have the mood's colour, those
against it are magenta and underlined. The sign before a sentence and the list below it say the same without colours.
"""

import math

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxmood.models import Analysis, Label, Sentence
from voxmood.sentences import clock

COLOURS: dict[Label, str] = {"negative": "red", "neutral": "yellow", "positive": "green"}
TURNS: dict[Label, str] = {"negative": "gets heated", "neutral": "calms down", "positive": "brightens up"}
SIGNS: dict[Label, str] = {"negative": "▼", "neutral": "●", "positive": "▲"}

# Log odds, see evidence(): less than NOTABLE is the noise of the model, STRONG is what the mood hangs on.
NOTABLE, STRONG = 0.1, 1.0
DROWNED = 1 / 8  # of the heaviest word of a sentence: lighter ones would only distract from it
SURE = 0.99  # beyond it a change of the odds is noise


def plain(text: str) -> str:
    """A file's name without what would steer a terminal or cannot be printed."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def indented(content: RenderableType, by: int) -> Padding:
    """Spaces before, none after."""
    return Padding(content, (0, 0, 0, by), expand=False)


def evidence(confidence: float, weight: float) -> float:
    """What a word adds to the log odds of the verdict (Good 1950, "Probability and the Weighing of Evidence").

    Where the model is sure, as it is of "awful, I hate it", no word moves the probability much, but the odds they move.
    """
    with_it, without_it = (min(max(p, 1 - SURE), SURE) for p in (confidence, confidence - weight))
    return math.log(with_it / (1 - with_it)) - math.log(without_it / (1 - without_it))


def explained(sentence: Sentence) -> Text:
    """The sentence in its colour or, where its words are weighed, with those marked; the heaviest three below it."""
    colour = COLOURS[sentence.verdict]
    words = sentence.words or []
    if not words:
        return Text(sentence.text, style=colour)
    weighed = [(evidence(sentence.confidence, word.weight), word) for word in words]
    least = max(NOTABLE, DROWNED * max(abs(value) for value, _ in weighed))
    text = Text(sentence.text, style="dim")
    place = 0
    for value, word in weighed:
        start = max(place, sentence.text.find(word.text, place))  # words repeat, but come in order
        place = start + len(word.text)
        if abs(value) > least:
            style = colour if value > 0 else "magenta underline"
            text.stylize(f"not dim {'bold' if abs(value) > STRONG else ''} {style}", start, place)
    heaviest = sorted(weighed, key=lambda pair: -abs(pair[0]))[:3]
    listed = "  ".join(f"{word.text} {word.weight:+.2f}" for value, word in heaviest if abs(value) > least)
    return text.append(f"\n{listed}" if listed else "")


def render(name: str, analysis: Analysis) -> Group:
    """What `voxmood analyze` prints for one input."""
    head = Text(plain(name), style="bold")
    facts = [analysis.language, None if analysis.duration is None else clock(analysis.duration)]
    if analysis.verdict is None:
        verdict = Text("· no speech", style="dim")
    else:
        doubt, remark = ("?", "hard to say, ") if analysis.hard_to_say else ("", "")
        mood = f"{SIGNS[analysis.verdict]} {analysis.verdict}{doubt}"
        verdict = Text(mood, style=f"bold {COLOURS[analysis.verdict]}")
        verdict.append(f"  {remark}{analysis.confidence:.0%} sure, score {analysis.score:+.2f}", style="not bold")
    verdict.append("".join(f"  {fact}" for fact in facts if fact), style="dim")
    if turn := analysis.turn:
        verdict.append(f"  {clock(turn.start)} {TURNS[turn.verdict]}", style=f"bold {COLOURS[turn.verdict]}")
    lines = Table.grid(padding=(0, 2))
    for sentence in analysis.sentences:
        time = "" if sentence.start is None else clock(sentence.start)
        sign = Text(SIGNS[sentence.verdict] + "?" * sentence.hard_to_say, style=COLOURS[sentence.verdict])
        lines.add_row(Text(time, style="dim"), sign, explained(sentence))
    notes = [Text(f"! {warning}", style="dim") for warning in analysis.warnings]
    return Group(head, indented(verdict, 2), indented(lines, 4), *(indented(note, 2) for note in notes))


def show(console: Console, name: str, analysis: Analysis) -> None:
    """Print one analysis and an empty line."""
    console.print(render(name, analysis))
    console.print()
