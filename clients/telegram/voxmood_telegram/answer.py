"""An analysis as a chat message: the mood, where it turns, language and length, the transcript folded below.

Messages are HTML as Telegram reads it. Not done here: sending.
"""

from collections.abc import Sequence
from html import escape

from voxmood import Analysis, clock
from voxmood_telegram.texts import Texts

LIMIT = 4096  # of a message, in UTF-16 units, tags not counted
VERY_SURE, SURE = 0.85, 0.65  # of the confidence, which is calibrated: right so often


def compose(analysis: Analysis, texts: Texts) -> list[str]:
    """The messages of an answer; all but the first only carry on with a long transcript."""
    if analysis.verdict is None:
        return [texts("sorry.no_speech")]
    head = headline(analysis, texts)
    notes = ["", texts("answer.truncated")] if analysis.truncated else []
    if not analysis.transcript:
        return ["\n".join([head, texts("answer.heard_before"), *notes])]
    room = LIMIT - units(head) - units("\n".join(notes)) - 2
    first, *rest = fold([s.text for s in analysis.sentences] or [analysis.transcript], room)
    return ["\n".join([head, first, *notes]), *rest]


def headline(analysis: Analysis, texts: Texts) -> str:
    """The mood and how sure it is, where it turns, language and length: one or two lines."""
    if analysis.hard_to_say:
        mood, sureness = texts("answer.hard_to_say"), texts(f"answer.leaning_{analysis.verdict}")
    else:
        confidence = analysis.confidence or 0
        word = "very_sure" if confidence >= VERY_SURE else "sure" if confidence >= SURE else "unsure"
        mood, sureness = texts(f"answer.{analysis.verdict}"), texts(f"answer.{word}")
    facts = [f"{mood}, {sureness}"]
    if turn := analysis.turn:
        facts.append(f"<b>{texts(f'answer.turns_{turn.verdict}', time=clock(turn.start))}</b>")
    if analysis.duration is None:
        return " · ".join(facts)
    language = texts.name_of(analysis.language)
    about = [escape(language)] if language else []
    return " · ".join(facts) + "\n" + " · ".join([*about, clock(analysis.duration)])


def fold(sentences: Sequence[str], room: int) -> list[str]:
    """Sentences in folded quotes: the first of at most `room` units, the others of a message each.

    Cut at sentence ends; a sentence that is longer than a message, between words.
    """
    quotes: list[str] = []
    quote = ""
    for piece in (piece for sentence in sentences for piece in pieces(sentence)):
        longer = f"{quote} {piece}" if quote else piece
        if units(longer) > (LIMIT if quotes else room) and (quote or not quotes):
            quotes.append(quote)
            longer = piece
        quote = longer
    quotes.append(quote)
    return [f"<blockquote expandable>{escape(quote, quote=False)}</blockquote>" if quote else "" for quote in quotes]


def pieces(sentence: str) -> list[str]:
    """The sentence, cut where it is longer than half a message: between words if it has any, else anywhere."""
    most = LIMIT // 2
    cut = []
    while units(sentence) > most:
        head = sentence.encode("utf-16-le")[: 2 * most].decode("utf-16-le", errors="ignore")
        end = head.rfind(" ") + 1 or len(head)
        cut.append(sentence[:end].rstrip())
        sentence = sentence[end:]
    return [*cut, sentence]


def units(text: str) -> int:
    """Length as Telegram counts it: in UTF-16 units, without tags and entities. More for HTML is no harm."""
    return len(text.encode("utf-16-le", errors="replace")) // 2
