"""The parts of the Telegram bot that need no Telegram: texts, answers, the inbox's order, what is a recording."""

import re
import string
import time
from pathlib import Path
from typing import Any

import pytest

from tests.mtproto.text import units
from voxmood import Analysis, Models, Scores, Sentence, Timings, Turn
from voxmood.turns import turn
from voxmood_telegram.answer import LIMIT, compose, fold
from voxmood_telegram.chats import CHOICES, Chats
from voxmood_telegram.commands import NAMES
from voxmood_telegram.database import connect
from voxmood_telegram.excuses import choices
from voxmood_telegram.inbox import Inbox, Item
from voxmood_telegram.memory import Memory
from voxmood_telegram.sounds import is_audio
from voxmood_telegram.texts import LANGUAGES, speak, spoken


def sentence(text: str, score: float, start: float | None = None, end: float | None = None) -> Sentence:
    verdict: Any = "negative" if score < -0.3 else "positive" if score > 0.3 else "neutral"
    return Sentence(text=text, start=start, end=end, verdict=verdict, confidence=0.9, score=score)


def analysis(*sentences: Sentence, **more: Any) -> Analysis:
    values: dict[str, Any] = {
        "verdict": "negative",
        "confidence": 0.9,
        "score": -0.9,
        "scores": Scores(negative=0.9, neutral=0.1, positive=0),
        "transcript": " ".join(s.text for s in sentences),
        "language": "en",
        "duration": 60.0,
        "no_speech": False,
        "truncated": False,
        "warnings": [],
        "sentences": list(sentences),
        "models": Models(),
        "timings": Timings(),
    }
    values |= more
    return Analysis(turn=turn(sentences, values["duration"]), **values)


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Texts by dotted key."""
    found: dict[str, str] = {}
    for key, value in tables.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_the_same_texts_and_placeholders(language: str) -> None:
    first, other = flat(speak(LANGUAGES[0]).tables), flat(speak(language).tables)
    assert other.keys() == first.keys()
    for key, text in other.items():
        wanted = {name for _, name, _, _ in string.Formatter().parse(first[key]) if name}
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} == wanted, key
        assert text.count("<b>") == text.count("</b>"), key
    for name in NAMES:
        assert re.search(rf"/{name}\b", other["help.help"]) or name in ("start", "help")
        assert 3 <= len(other[f"command.{name}"]) <= 256, "Telegram's limits"
    for data in [data for row in choices(speak(language)) for _, data in row]:
        assert len(data.encode()) <= 64, "Telegram's limit"


def test_the_language_is_the_first_that_is_spoken() -> None:
    assert spoken(None, "ru-RU").language == "ru"
    assert spoken("en", "ru").language == "en"
    assert spoken("de", None).language == "en"


def test_a_long_transcript_is_cut_at_sentence_ends() -> None:
    said = [sentence(f"This is sentence {number}, <and> it says & little 🙂.", -0.9) for number in range(300)]
    messages = compose(analysis(*said), speak("en"))
    assert len(messages) > 2
    plain = [re.sub(r"<[^>]+>", "", message) for message in messages]
    texts = [m.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for m in plain]
    assert all(units(text) <= LIMIT for text in texts)
    assert all(units(text) > LIMIT * 0.9 for text in texts[:-1]), "not more messages than needed"
    assert all(text.endswith("🙂.") for text in texts)
    assert " ".join(texts).endswith(" ".join(s.text for s in said)[-1000:])
    assert messages[0].count("<blockquote expandable>") == messages[-1].count("</blockquote>") == 1


@pytest.mark.parametrize("text", ["🙂" * 9000, "word " * 3000, "a" * 4096, "ё" * 10_000])
def test_a_sentence_longer_than_a_message_is_cut(text: str) -> None:
    quotes = [re.sub(r"</?blockquote[^>]*>", "", quote) for quote in fold([text.strip()], 3000)]
    assert units(quotes[0]) <= 3000
    assert all(0 < units(quote) <= LIMIT for quote in quotes)
    assert "".join(quotes).replace(" ", "") == text.replace(" ", "")


def test_confidence_is_told_in_words() -> None:
    def head(**more: Any) -> str:
        return compose(analysis(sentence("Well.", -0.9), **more), speak("en"))[0].split("\n")[0]

    assert head(confidence=0.95) == "😟 <b>Negative</b>, quite sure"
    assert head(confidence=0.7) == "😟 <b>Negative</b>, fairly sure"
    assert head(confidence=0.6) == "😟 <b>Negative</b>, not too sure"
    assert head(confidence=0.4, hard_to_say=True) == "🤔 <b>Hard to say</b>, rather negative"


def test_no_speech_and_a_damaged_file_are_told() -> None:
    assert "Nobody speaks" in compose(analysis(verdict=None, no_speech=True), speak("en"))[0]
    assert "damaged" in compose(analysis(sentence("Well.", -0.9), truncated=True), speak("en"))[0]


def test_where_a_long_message_turns() -> None:
    calm = [sentence("We went to the lake.", 0.1, 0, 20), sentence("The sun was shining.", 0.7, 20, 42)]
    heated = [sentence("And then you shouted at me!", -0.9, 42, 50), sentence("I hate it.", -0.95, 50, 60)]
    assert turn([*calm, *heated], 60) == Turn(start=42, verdict="negative")
    assert "0:42 gets heated" in compose(analysis(*calm, *heated), speak("en"))[0]
    assert "0:18 brightens up" in compose(
        analysis(sentence("Bad.", -0.9, 0, 18), sentence("Good.", 0.9, 18, 30)), speak("en")
    )[0].replace("<b>", "")
    short = [s.model_copy(update={"start": (s.start or 0) / 4, "end": (s.end or 0) / 4}) for s in (*calm, *heated)]
    assert "gets heated" not in compose(analysis(*short, duration=15.0), speak("en"))[0]


@pytest.mark.parametrize(
    "scores",
    [[], [-0.9], [-0.9, -0.8, -0.9], [0.1, -0.1, 0.1, 0.0], [0.9, 0.05, 0.1, 0.0], [-0.9, 0.1, 0.0, 0.1]],
    ids=["empty", "one", "the same all along", "nothing much", "joy wears off", "anger wears off"],
)
def test_no_turn_is_invented(scores: list[float]) -> None:
    assert turn([sentence("Well.", score, at * 10, at * 10 + 10) for at, score in enumerate(scores)], 60) is None


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(connect(tmp_path / "folder" / "inbox.sqlite3"))


def take_all(inbox: Inbox, in_chat: int) -> list[Item]:
    taken = []
    while item := inbox.take(in_chat):
        taken.append(item)
    return taken


def test_chats_take_turns_and_none_has_more_than_its_share(inbox: Inbox) -> None:
    now = time.time()
    for message in range(50):
        inbox.add(1, message, now)
    assert [item.chat for item in take_all(inbox, 2)] == [1, 1]
    inbox.add(2, 7, now + 1)
    inbox.add(3, 8, now + 2)
    inbox.add(3, 9, now + 2)
    assert [(item.chat, item.message) for item in take_all(inbox, 2)] == [(2, 7), (3, 8), (3, 9)]


def test_a_message_is_written_down_once_and_survives(inbox: Inbox, tmp_path: Path) -> None:
    assert inbox.add(1, 5, time.time())
    assert not inbox.add(1, 5, time.time())
    item = inbox.take(2)
    assert item is not None
    inbox.replied(item, 6)
    inbox.later(item, 0, counts=True)
    again = Inbox(connect(tmp_path / "folder" / "inbox.sqlite3")).take(2)
    assert again is not None
    assert (again.message, again.reply, again.attempts) == (5, 6, 1)
    inbox.end(again, "negative")
    assert not inbox.add(1, 5, time.time()), "Telegram may send it again"
    assert inbox.waiting() == 0


def test_what_is_due_later_waits(inbox: Inbox) -> None:
    inbox.add(1, 5, time.time())
    item = inbox.take(2)
    assert item is not None
    inbox.later(item, 30, counts=False)
    inbox.put_back(item)
    assert inbox.take(2) is None
    assert 25 < (inbox.next_due() or 0) <= 30


def test_old_rows_are_forgotten_but_none_that_waits(inbox: Inbox) -> None:
    inbox.add(1, 5, time.time() - 10 * 24 * 3600)
    inbox.add(1, 6, time.time() - 10 * 24 * 3600)
    inbox.end(Item(1, 5, None, 0, "waiting", None, 0), "positive")
    inbox.forget()
    assert inbox.get(1, 5) is None
    assert inbox.get(1, 6) is not None


def test_a_recording_is_remembered_without_its_words_for_a_while(tmp_path: Path) -> None:
    database = connect(tmp_path / "inbox.sqlite3")
    heard = analysis(sentence("My secret.", -0.9, 0, 3))
    memory = Memory(database, hours=1, transcripts=False)
    memory.keep("x", heard)
    found = memory.recall("x")
    assert found is not None
    assert (found.verdict, found.transcript, found.sentences[0].score) == ("negative", "", -0.9)
    assert b"secret" not in (tmp_path / "inbox.sqlite3-wal").read_bytes()
    Memory(database, hours=1, transcripts=True).keep("x", heard)
    assert memory.recall("x") == heard
    Memory(database, hours=-1, transcripts=False).keep("y", heard)
    assert memory.recall("y") is None
    memory.forget()
    assert [row[0] for row in database.execute("SELECT recording FROM recordings")] == ["x"]
    Memory(database, hours=0, transcripts=True).keep("z", heard)
    assert memory.recall("z") is None


def test_settings_are_kept_and_move_with_the_group(tmp_path: Path) -> None:
    chats = Chats(connect(tmp_path / "inbox.sqlite3"))
    assert chats.get(1).mode == CHOICES["mode"][0]
    chats.choose(1, "mode", "negative")
    with pytest.raises(ValueError, match="no such choice"):
        chats.choose(1, "mode", "loud")
    chats.move(1, -1_001)
    assert (chats.get(1).mode, chats.get(-1_001).mode) == ("auto", "negative")


@pytest.mark.parametrize(
    ("kind", "name", "audio"),
    [
        ("audio/ogg", "a", True),
        ("application/ogg", None, True),
        ("application/octet-stream", "Voice 1.OPUS", True),
        ("application/pdf", "notes.pdf", False),
        (None, None, False),
        ("image/png", "mp3.png", False),
    ],
)
def test_which_documents_are_recordings(kind: str | None, name: str | None, audio: bool) -> None:
    assert is_audio(kind, name) is audio
