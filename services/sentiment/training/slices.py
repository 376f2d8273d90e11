"""Kinds of texts that are judged apart: by simple rules in English and Russian, and own texts where no rule would do.

    python -m training.slices --data DIR        # how many test rows each rule finds, 10 s

Rules look at single words, so they are wrong now and then: for them "not bad" is as much a negation as "not at home".
No rule finds sarcasm, so texts/sarcasm.csv holds texts of our own: praise that is meant as a complaint. Not done here:
judging, see evaluate.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from training.data import TESTS, read
from training.metrics import markdown
from training.options import options
from voxmood_sentiment.labels import VERDICTS

SARCASM = Path(__file__).parent / "texts" / "sarcasm.csv"

NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|\w+n['’]t"
    r"|(?:do|does|did|is|are|was|were|ca|wo|would|could|should|have|has|had|ai)nt"
    r"|не|нет|ни|нету|никогда|никто|никого|никому|ничего|ничто|ничем|нигде|никуда|нельзя|без)\b",
    re.IGNORECASE,
)
# Stems, with the beginnings that Russian puts before them; whole words where a stem begins decent words too.
PROFANITY = re.compile(
    r"\b(?:(?:mother)?fuck\w*|f\*+\w*|wtf|(?:bull)?shit\w*|bitch\w*|ass(?:hole\w*|es)?|bastard\w*|dicks?|damn\w*|crap\w*"
    r"|(?:на|по|до|о|а|за|ни)?ху[йяеёю]\w*|(?:с|о|за|рас|до)?пизд\w*|(?:за|на|про|вы|у|до|об|отъ|разъ|съ|долбо)?[её]б[аеёиолну]\w*"
    r"|бля(?:ть|дь|дск\w*|ха\w*)?|сук[аиеу]|сучк\w*|г[оа]вн\w*|жоп\w*|дерьм\w*|муда[кч]\w*|гандон\w*|сра[тл]ь?\w*|хер(?:ня|ни|ню|ов\w*)?)\b",
    re.IGNORECASE,
)
EMOJI = re.compile(r"[\U0001f000-\U0001faff\u2600-\u27bf\u2b50]|[:;=]['’]?-?[()DPp/|3](?!\w)|\){2,}|\({2,}|<3")


def length(least: int, most: float) -> Callable[[str], bool]:
    """A rule for texts of so many words."""
    return lambda text: least <= len(text.split()) <= most


RULES: dict[str, Callable[[str], bool]] = {
    "1 to 4 words": length(1, 4),
    "5 to 15 words": length(5, 15),
    "16 to 40 words": length(16, 40),
    "over 40 words": length(41, float("inf")),
    "negation": lambda text: bool(NEGATION.search(text)),
    "profanity": lambda text: bool(PROFANITY.search(text)),
    "emoji": lambda text: bool(EMOJI.search(text)),
}


def sarcastic() -> pd.DataFrame:
    """Our own sarcastic texts: columns text, label (0, 1, 2 as in VERDICTS), lang."""
    rows = pd.read_csv(SARCASM, dtype=str)
    return rows.assign(label=rows.label.map(VERDICTS.index))


@dataclass(frozen=True)
class Settings:
    """Where the texts are."""

    data: Path


def main() -> None:
    """Count what the rules find."""
    settings = options(Settings)
    rows = pd.concat([read(settings.data, source, "test") for source in TESTS])
    found = [
        [name, *(f"{rows.text[rows.lang == lang].map(rule).mean():.1%}" for lang in ("en", "ru"))]
        for name, rule in RULES.items()
    ]
    print(markdown(["rule", "en", "ru"], found))


if __name__ == "__main__":
    main()
