"""The training texts: which sources, how many rows of each, and how they are cleaned.

A source is some files `<source>.<split>.csv.gz` (train, dev, test) with the columns text, label, lang, source; what
each source is and its licence: MODEL_CARD.md. Texts are cleaned as the service cleans what it is sent. Rows are
capped by source, so that a large easy set does not drown a small important one. Rows whose normalised text is in any
dev or test file are left out of training. Not done here: tokenisation.
"""

import re
from pathlib import Path

import pandas as pd

from voxmood_sentiment.words import clean

LABELS = ("negative", "neutral", "positive")

# source: (rows used for training, why that many). Left out: emocontext and sentirueval_tweets (research use only),
# topicalchat and emorynlp (noisy self-reports, the same show as meld).
SOURCES = {
    "goemotions": (18_000, "broad, well labelled comments; the core of English"),
    "meld": (8_000, "spoken dialogue, the nearest to voice messages"),
    "rusentitweet": (7_700, "hand-labelled Russian, colloquial; all of it"),
    "cedr": (6_200, "hand-labelled Russian; all of it"),
    "sst5": (6_000, "sentences with contrast and negation"),
    "amazon_polarity": (3_400, "whole reviews: long texts; all of it"),
    "ru_goemotions": (4_000, "machine translated, but broad"),
    "xed_en": (2_500, "film subtitles: short spoken lines"),
    "tweeteval_en": (2_000, "the official training set is larger; all that is at hand"),
    "pros_cons": (1_500, "product terms with a polarity; fragments, so few"),
    "xed_ru": (1_200, "Russian subtitles, no neutral; all of it"),
    "amazon_alexa": (800, "chatty one-liners, 87 % positive, so few"),
}
TESTS = ("amazon_polarity", "meld", "goemotions", "tweeteval_en", "sst5", "rusentitweet", "cedr")


def key(text: str) -> str:
    """What two texts share when they are the same but for case, punctuation and spaces."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip() or text  # an emoji is no duplicate of another


def read(folder: Path, source: str, split: str) -> pd.DataFrame:
    """Read one file: columns text (cleaned), label (0, 1, 2 as in LABELS), lang, source."""
    path = folder / f"{source}.{split}.csv.gz"
    if not path.exists():
        raise SystemExit(f"{path} is missing: --data must name a folder of <source>.<split>.csv.gz files")
    rows = pd.read_csv(path, usecols=["text", "label", "lang", "source"], dtype=str, keep_default_na=False)
    return rows.assign(text=rows.text.map(clean), label=rows.label.map(LABELS.index))


def read_texts(folder: Path) -> list[str]:
    """Every training text of the used sources, for choosing the vocabulary."""
    return [text for source in SOURCES for text in read(folder, source, "train").text]


def training_set(folder: Path, seed: int) -> pd.DataFrame:
    """The training rows: capped by source, free of duplicates and of every dev and test text, shuffled."""
    held_out: set[str] = set()
    for path in folder.glob("*.csv.gz"):
        if not path.name.endswith(".train.csv.gz"):
            source, split = path.name.split(".")[:2]
            held_out |= set(read(folder, source, split).text.map(key))
    parts = []
    for source, (rows, _) in SOURCES.items():
        part = read(folder, source, "train")
        part = part[~part.text.map(key).isin(held_out)]
        parts.append(part.sample(min(rows, len(part)), random_state=seed))
    together = pd.concat(parts)
    together = together[~together.text.map(key).duplicated()]
    return together.sample(frac=1, random_state=seed).reset_index(drop=True)


def dev_set(folder: Path, rows: int, seed: int) -> pd.DataFrame:
    """At most `rows` dev rows of each source that has a test file: what early decisions are made on."""
    parts = [read(folder, source, "dev") for source in TESTS]
    return pd.concat([part.sample(min(rows, len(part)), random_state=seed) for part in parts]).reset_index(drop=True)
