"""Words of a text and its script: what can be told without a model."""

import re
import string
import unicodedata
from typing import Literal

PUNCTUATION = string.punctuation + "«»„“”‘’…—–¿¡、。！？"


def clean(text: str) -> str:
    """What models are trained on and shown: NFC, links and user names as placeholders, white space as one space.

    The placeholders are those of Barbieri et al. 2022, "XLM-T", arXiv:2104.12250; other models know them too.
    """
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"https?://\S+|www\.\S+", "http", text)
    text = re.sub(r"(?<!\w)@\w+", "@user", text)
    return " ".join(text.split())


def whole(text: str) -> str:
    """Replace halves of surrogate pairs, as JSON can carry them: no tokenizer and no answer can hold one."""
    return re.sub(r"[\ud800-\udfff]", "\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether nothing in it can be read: only spaces, control and invisible characters."""
    # Not all of C*: characters newer than this Python, say an emoji, are unassigned (Cn) to it.
    return all(unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp") for char in text)


def language(text: str) -> Literal["en", "ru"]:
    """Russian if more letters are Cyrillic than not: enough to know abbreviations at sentence ends."""
    cyrillic = len(re.findall(r"[\u0400-\u04ff]", text))
    return "ru" if 2 * cyrillic > sum(map(str.isalpha, text)) else "en"


def words(text: str) -> list[tuple[int, int]]:
    """First and last character (exclusive) of each word, without the punctuation around it. Emoji count as words."""
    found = []
    for run in re.finditer(r"\S+", text):
        start = run.end() - len(run[0].lstrip(PUNCTUATION))
        end = run.start() + len(run[0].rstrip(PUNCTUATION))
        if start < end:
            found.append((start, end))
    return found
