"""The one-tap excuse: the button below an answer, the three that it offers, and what a tap sends.

Button data: `excuse:LANGUAGE` offers, `excuse:LANGUAGE:WHICH` says it, `excuse:LANGUAGE:back` thinks better of it.
Nothing is sent without a tap. Not done here: sending.
"""

from html import escape

from voxmood_telegram.messenger import Buttons
from voxmood_telegram.texts import Texts

EXCUSES = ("one", "two", "three")


def offer(texts: Texts) -> Buttons:
    """The one button."""
    return [[(texts("excuse.offer"), f"excuse:{texts.language}")]]


def choices(texts: Texts) -> Buttons:
    """The three excuses and a way back."""
    rows = [[(texts(f"excuse.{which}"), f"excuse:{texts.language}:{which}")] for which in EXCUSES]
    return [*rows, [(texts("excuse.back"), f"excuse:{texts.language}:back")]]


def excuse(texts: Texts, which: str, name: str) -> str:
    """What is said in the name of who has tapped."""
    return texts("excuse.said", name=escape(name), text=texts(f"excuse.{which}"))
