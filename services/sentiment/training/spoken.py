"""Make written texts look like recognised speech, since that is what the classifier is sent.

    python -m training.spoken --lang en        # reads lines, prints them as they might have been heard

What speakers do: fillers, repeated words. What recognisers do: words that sound the same, words spelled as they sound,
short words lost, words run together or cut in two, now and then no case and no punctuation. How often: as our
recogniser did on 180 spoken dev sentences. Labels stay, so the rates are those at which a reader still knows the
mood, and "not" and its kin are always heard: recognisers seldom lose them, and without them the mood is another. Not
done here: real recognition, see bench/speak.py.
"""

import collections
import functools
import random
import re
import sys
from dataclasses import dataclass

import jellyfish
import wordfreq

from training.options import options

FILLERS = {
    "en": ("um", "uh", "well", "like", "you know", "I mean", "so", "okay"),
    "ru": ("ну", "эм", "э-э", "вот", "типа", "как бы", "короче", "в общем"),
}
ERRORS = {"en": 0.10, "ru": 0.22}  # mean share of the words that recognition gets wrong, in texts that it gets wrong
VOCABULARY = 40_000  # commonest words of a language: recognisers seldom put in a rare one
# Unstressed vowels and final or neighbouring consonants that Russian speech does not tell apart.
SAME_SOUND = str.maketrans("оёэейяыбвгджз", "аиииииипфктшс", "ьъ")
RESPELLED = {
    "en": (("ee", "ea"), ("ea", "ee"), ("ou", "ow"), ("ph", "f"), ("ck", "k"), ("ght", "te"), ("s", "z"), ("c", "k"),
           ("ing", "in"), ("tion", "shon"), ("d", "t"), ("b", "p"), ("i", "e"), ("e", "i"), ("a", "e"), ("er", "a")),
    "ru": (("о", "а"), ("е", "и"), ("я", "е"), ("и", "е"), ("а", "о"), ("б", "п"), ("д", "т"), ("з", "с"), ("в", "ф"),
           ("г", "к"), ("ж", "ш"), ("тся", "ца"), ("ться", "ца"), ("ого", "ова"), ("ий", "и"), ("ый", "ы"), ("ь", "")),
}  # fmt: skip
NEGATION = re.compile(
    r"(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|\w+n['’]t|hardly|barely"
    r"|не|нет|ни|нету|никогда|никто|никого|никому|ничего|ничто|ничем|нигде|никуда|нельзя|без|едва|вряд)\W*",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Settings:
    """The language of the lines, and the seed."""

    lang: str = "en"
    seed: int = 1


def plain(text: str) -> str:
    """Lower case without punctuation; apostrophes and hyphens inside words stay. Empty results are not used."""
    return " ".join(re.sub(r"[^\w\s'-]", " ", text.lower()).split()) or text


def as_heard(text: str, lang: str, chance: random.Random) -> str:
    """One text as a recogniser might write it: hesitations, then errors; a third of the texts without case and marks.

    Languages without word lists of their own only lose case and punctuation.
    """
    if lang in FILLERS:
        text = misheard(hesitant(text, lang, chance), lang, chance)
    return plain(text) if lang not in FILLERS or chance.random() < 1 / 3 else text


def hesitant(text: str, lang: str, chance: random.Random) -> str:
    """Put in a filler or repeat a word, at most one in eight words, often none."""
    words = text.split()
    for _ in range(sum(chance.random() < 0.4 for _ in range(len(words) // 8 + 1))):
        place = chance.randrange(len(words) + 1)
        if chance.random() < 0.6 or place == len(words):
            words.insert(place, chance.choice(FILLERS[lang]))
        else:
            words.insert(place, words[place])
    return " ".join(words)


def misheard(text: str, lang: str, chance: random.Random) -> str:
    """Get some words wrong. How many varies from text to text: clear speech is common, mumbling exists."""
    rate = min(0.6, chance.expovariate(1 / ERRORS[lang]))
    words: list[str] = []
    for word in text.split():
        if chance.random() >= rate or NEGATION.fullmatch(word):
            words.append(word)
            continue
        kind = chance.choices(("alike", "respelled", "joined", "cut", "lost"), (40, 25, 12, 8, 15))[0]
        if kind == "joined" and words:
            words[-1] += word.lower()
        elif kind == "cut" and len(word) > 5:
            middle = chance.randrange(2, len(word) - 2)
            words += [word[:middle], word[middle:]]
        elif kind == "lost" and len(word) <= 4:
            continue
        elif kind == "alike":
            words.append(WORD.sub(lambda found: sounds_like(found[0], lang, chance), word))
        else:
            words.append(respelled(word, lang, chance))
    return " ".join(words) or text


def sounds_like(word: str, lang: str, chance: random.Random) -> str:
    """Another common word with the same sounds, respelled where there is none."""
    others = [other for other in alike(lang)[sound(word, lang)] if other != word.lower()]
    if not others:
        return respelled(word, lang, chance)
    other = chance.choice(others[:8])
    return other.capitalize() if word[:1].isupper() else other


def respelled(word: str, lang: str, chance: random.Random) -> str:
    """The word with one group of letters written as it sounds."""
    fitting = [(old, new) for old, new in RESPELLED[lang] if old in word]
    return word.replace(*chance.choice(fitting), 1) if fitting else word


def sound(word: str, lang: str) -> str:
    """What a word shares with those that sound like it; English: metaphone."""
    if lang == "en":
        return str(jellyfish.metaphone(word))
    return re.sub(r"(.)\1+", r"\1", word.lower().translate(SAME_SOUND))


@functools.cache
def alike(lang: str) -> dict[str, list[str]]:
    """Common words by their sound, the most frequent first."""
    groups: dict[str, list[str]] = collections.defaultdict(list)
    for word in wordfreq.top_n_list(lang, VOCABULARY):
        if WORD.fullmatch(word) and len(word) > 1:
            groups[sound(word, lang)].append(word)
    return groups


def main() -> None:
    """Read lines, print them as heard."""
    settings = options(Settings)
    chance = random.Random(settings.seed)
    for line in sys.stdin:
        print(as_heard(line.strip(), settings.lang, chance))


if __name__ == "__main__":
    main()
