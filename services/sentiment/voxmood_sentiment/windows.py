"""Cut the tokens of a long text into windows that a model can read, at sentence ends where there are any.

Every token is in exactly one window: nothing is lost. Not done here: reading them.
"""

from bisect import bisect_right
from collections.abc import Sequence

from sentencex import get_sentence_boundaries

from voxmood_sentiment.words import language


def windows(text: str, offsets: Sequence[tuple[int, int]], limit: int) -> list[slice]:
    """Slices of a text's tokens, each of at most `limit`.

    `offsets` holds the first and last character (exclusive) of each token. A window ends after as many whole
    sentences as fit; a sentence longer than a window is cut before a word; a word longer than that, between tokens.
    """
    if len(offsets) <= limit:
        return [slice(0, len(offsets))]
    ends = [end for _, end in offsets]
    boundaries = (sentence["start_index"] for sentence in get_sentence_boundaries(language(text), text))
    # The first token that reaches beyond a boundary: some tokenizers count the space before a word to the word.
    sentences = sorted({bisect_right(ends, boundary) for boundary in boundaries})
    words = [i for i, (start, _) in enumerate(offsets) if any(map(str.isspace, text[max(start - 1, 0) : start + 1]))]
    slices, start = [], 0
    while start + limit < len(offsets):
        stop = _last(sentences, start, start + limit) or _last(words, start, start + limit) or start + limit
        slices.append(slice(start, stop))
        start = stop
    return [*slices, slice(start, len(offsets))]


def _last(places: Sequence[int], after: int, to: int) -> int | None:
    """The last of the sorted `places` in (after, to], None if there is none."""
    found = bisect_right(places, to)
    return places[found - 1] if found and places[found - 1] > after else None
