"""The training texts: which sources, how many rows of each, and how they are read and cleaned.

A source is some files `<source>.<split>.<form>` (splits train, dev, test; forms: FORMS) in one folder or, where they
are ours, in texts/ beside this module; or it is a data set of the Hugging Face hub. Texts are cleaned as the service
cleans what it is sent, labels become 0, 1, 2 as in LABELS. Rows whose normalised text is in any dev or test file, and
those that an earlier source has, are left out of training. Not done here: tokenisation, and imitating speech
(spoken.py).
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from voxmood_sentiment.labels import VERDICTS, verdict_of
from voxmood_sentiment.words import clean


@dataclass(frozen=True)
class Source:
    """A set of labelled texts, and its weight: `rows` shown in training; more than it has: some are shown again."""

    rows: int
    languages: str
    licence: str
    what: str
    why: str
    labels: Mapping[str, str] = field(default_factory=dict)  # where the names of labels do not tell their meaning
    hub: str = ""  # "name" or "name:configuration" on the Hugging Face hub, read where there is no file


# Left out: those for research only, topicalchat (self-reported feelings, noisy), and the subtitles of languages that
# are not ours (no neutral class).
RESEARCH_ONLY = {"emocontext", "sentirueval_tweets"}
SOURCES = {
    "messages": Source(
        6_000,
        "en, ru",
        "MIT, ours",
        "voice messages as people leave them, written for this",
        "what the model is for, and what other sources lack: requests, plans, polite anger, irony; five times",
    ),
    "goemotions": Source(
        35_400,
        "en",
        "Apache-2.0",
        "Reddit comments, 28 emotions mapped to polarity",
        "broad and well labelled; all",
    ),
    "meld": Source(
        16_000,
        "en",
        "GPL-3.0 for the corpus; the show is under copyright",
        "dialogue of a TV series; labelled with the video",
        "the nearest to voice messages; twice",
    ),
    "rusentitweet": Source(
        15_400,
        "ru",
        "none in the repository; paper CC-BY-4.0; Twitter's terms",
        "tweets",
        "hand-labelled, colloquial; twice",
    ),
    "cedr": Source(
        12_400,
        "ru",
        "Apache-2.0",
        "blogs, news and tweets, emotions mapped to polarity",
        "hand-labelled, with plain facts as neutral; twice",
    ),
    "sst5": Source(
        17_000,
        "en",
        "none stated for the text; repository MIT",
        "sentences of film reviews",
        "contrast, negation, comparison; twice",
        hub="SetFit/sst5",
    ),
    "amazon_polarity": Source(
        10_000,
        "en",
        "none stated for the data",
        "product reviews, no neutral",
        "the only whole reviews, few of them; three times",
        labels={"__label__1": "negative", "__label__2": "positive"},
        hub="fancyzhx/amazon_polarity",
    ),
    "tweeteval_en": Source(
        6_000,
        "en",
        "no further restriction; terms of SemEval-2017 and Twitter",
        "tweets",
        "the official training set is larger; three times what is at hand",
        hub="cardiffnlp/tweet_eval:sentiment",
    ),
    **{
        f"xlmt_{code}": Source(
            1_800, code, "Apache-2.0 for the corpus; Twitter's terms", "tweets", "how tweets are labelled; all"
        )
        for code in ("de", "es", "fr", "it", "pt")
    },
    "ru_goemotions": Source(
        4_000,
        "ru",
        "MIT for the translation, over Apache-2.0",
        "goemotions, machine translated",
        "broad, but translated; all",
    ),
    "xed_en": Source(
        7_000,
        "en",
        "CC-BY-4.0",
        "film subtitles, emotions mapped to polarity",
        "short spoken lines, noisy, so half",
    ),
    "xed_ru": Source(
        1_800,
        "ru",
        "CC-BY-4.0",
        "film subtitles; labels projected from English, no neutral",
        "short spoken lines; 1.5 times",
    ),
    "pros_cons": Source(
        3_000, "en", "CC-BY-4.0", "product terms, no neutral", "words of praise and complaint; fragments, so few"
    ),
    "emorynlp": Source(
        5_000,
        "en",
        "Apache-2.0; the show is under copyright",
        "dialogue of a TV series, emotions mapped to polarity",
        "spoken lines, noisy; all, but for what meld has",
    ),
    "amazon_alexa": Source(1_200, "en", "none stated", "short product reviews", "chatty; 87 % positive, so few"),
}
LABELS = VERDICTS
OWN = Path(__file__).parent / "texts"
TESTS = ("messages", "amazon_polarity", "meld", "goemotions", "tweeteval_en", "sst5", "rusentitweet", "cedr")
UNKNOWN = Source(0, "", "", "", "")  # a file that is there, but not trained on
TEXT = ("text", "content", "sentence", "review")  # what columns are called elsewhere
LABEL = ("label", "labels", "sentiment", "stars")


def key(text: str) -> str:
    """What two texts share when they are the same but for case, punctuation and spaces."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip() or text  # an emoji is no duplicate of another


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file, compressed or not, every cell as it is written."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def read_fasttext(path: Path) -> pd.DataFrame:
    """Lines of `__label__x text`, as fastText wants them."""
    lines = pd.read_csv(path, sep="\x00", header=None, names=["line"], dtype=str, quoting=csv.QUOTE_NONE)
    return lines.line.str.extract(r"^(?P<label>__label__\S+)\s+(?P<text>.*)$")


FORMS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "csv.gz": read_table,
    "csv": read_table,
    "parquet": pd.read_parquet,
    "ft.txt": read_fasttext,
    "ft.txt.gz": read_fasttext,
    "ft.txt.bz2": read_fasttext,
}


def read_hub(name: str, split: str) -> pd.DataFrame:
    """A split of a data set on the Hugging Face hub, integer labels replaced by their names."""
    import datasets  # here, since reading files does without

    path, _, configuration = name.partition(":")
    rows = datasets.load_dataset(path, configuration or None, split="validation" if split == "dev" else split)
    table: pd.DataFrame = rows.to_pandas()
    for column, kind in rows.features.items():
        if isinstance(kind, datasets.ClassLabel):
            table[column] = table[column].map(kind.int2str)
    return table


def read(folder: Path, source: str, split: str) -> pd.DataFrame:
    """Read one split: columns text (cleaned), label (0, 1, 2 as in LABELS), lang, source."""
    known = SOURCES.get(source, UNKNOWN)
    files = ((form, place / f"{source}.{split}.{form}") for place in (folder, OWN) for form in FORMS)
    form, path = next((file for file in files if file[1].exists()), ("", folder / f"{source}.{split}.csv.gz"))
    if form:
        name, table = str(path), FORMS[form](path)
    elif known.hub:
        name, table = known.hub, from_hub(known.hub, split, path)
    else:
        raise SystemExit(f"{path} is missing: --data must name a folder of <source>.<split>.csv.gz files")
    label = column(table, LABEL, name).astype(str)
    meanings = {text: meaning(known.labels.get(text, text), name) for text in label.unique()}
    return pd.DataFrame(
        {
            "text": column(table, TEXT, name).map(clean),
            "label": label.map(meanings),
            "lang": table.get("lang", known.languages),
            "source": source,
        }
    )


def from_hub(name: str, split: str, missing: Path) -> pd.DataFrame:
    """Read from the hub; without it, say that the file is missing."""
    try:
        return read_hub(name, split)
    except (OSError, ImportError) as error:  # no net and no such data set are both OSErrors
        raise SystemExit(
            f"{missing} is missing and {name} is not to be had from the hub ({type(error).__name__}): --data must "
            "name a folder of <source>.<split>.csv.gz files"
        ) from error


def column(table: pd.DataFrame, names: tuple[str, ...], where: str) -> Any:
    """The first column with one of the names."""
    found = next((name for name in names if name in table), None)
    if found is None:
        raise SystemExit(f"{where} has none of the columns {', '.join(names)}: it has {', '.join(map(str, table))}")
    return table[found]


def meaning(label: str, where: str) -> int:
    """What a label means, by its name."""
    verdict = verdict_of(label)
    if verdict is None:
        raise SystemExit(f"{where}: {label!r} is no known label; give its meaning in SOURCES, training/data.py")
    return verdict


def splits(folder: Path) -> Iterator[tuple[str, str]]:
    """Source and split of every file of the folder, and of our own."""
    for path in sorted([*folder.iterdir(), *OWN.iterdir()]):
        source, split, form = [*path.name.split(".", 2), "", ""][:3]
        if form in FORMS and split in ("train", "dev", "test"):
            yield source, split


def read_texts(folder: Path) -> list[str]:
    """Every training text of the used sources, for choosing the vocabulary."""
    return [text for source in SOURCES for text in read(folder, source, "train").text]


def held_out(folder: Path) -> set[str]:
    """Keys of all dev and test texts: nothing is trained on them."""
    return {
        key(text) for source, split in splits(folder) if split != "train" for text in read(folder, source, split).text
    }


def training_set(folder: Path, seed: int) -> pd.DataFrame:
    """The training rows, each source as often as its weight says, shuffled."""
    hidden = held_out(folder)
    pool = pd.concat([read(folder, source, "train") for source in SOURCES])
    keys = pool.text.map(key)
    pool = pool[~keys.isin(hidden) & ~keys.duplicated()]
    parts = []
    for source, known in SOURCES.items():
        part = pool[pool.source == source].sample(frac=1, random_state=seed)
        again = -(-known.rows // max(len(part), 1))
        parts.append(pd.concat([part] * again).head(known.rows))
    return pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)


def dev_set(folder: Path, rows: int, seed: int) -> pd.DataFrame:
    """At most `rows` dev rows of each source that has a test file: what early decisions are made on."""
    parts = [read(folder, source, "dev") for source in TESTS]
    return pd.concat([part.sample(min(rows, len(part)), random_state=seed) for part in parts]).reset_index(drop=True)
