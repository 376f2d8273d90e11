"""Pictures of sentences on their way through the classifier: python -m docs.pictures."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from docs import inside
from docs.inside import VOICE
from docs.palette import GREY, MOODS
from voxmood_sentiment.labels import VERDICTS


def attention() -> Figure:
    """Where CLS looks in each layer, and what each word is worth."""
    seen = inside.understand(inside.hear().sentences[-1].text)
    figure = Figure(figsize=(7.8, 3.6), layout="constrained")
    looks, worth = figure.subplots(2, height_ratios=(2, 1), sharex=True)
    image = looks.imshow(seen.attention, aspect="auto", cmap="GnBu", vmin=0, vmax=0.35, origin="lower")
    figure.colorbar(image, ax=looks, label="share of attention", pad=0.01, extend="max")
    looks.set(ylabel="layer", yticks=[0, 5, 11], yticklabels=["1", "6", "12"])
    looks.set_xticks(range(len(seen.pieces)), [piece.replace("<s>", "CLS") for piece in seen.pieces])
    looks.tick_params(length=0, labelbottom=True)
    places = spread(seen.pieces, [word for word, _ in seen.words])
    weights = [weight for _, weight in seen.words]
    worth.bar(places, weights, width=0.6, color=[MOODS["negative"] if weight > 0 else GREY for weight in weights])
    for place, (word, weight) in zip(places, seen.words, strict=True):
        worth.text(place, max(weight, 0) + 0.03, f"{word} {weight:+.2f}", ha="center", size=8)
    worth.set(ylabel="lost without it", ylim=(-0.05, 1.05), yticks=[0, 1])
    worth.tick_params(length=0, labelbottom=False)
    worth.spines["bottom"].set_visible(False)
    return figure


def spread(pieces: list[str], words: list[str]) -> list[float]:
    """The middle of the pieces of each word."""
    places, following = [], iter(range(len(pieces)))
    for word in words:
        text, own = "", list[int]()
        while text != word:
            number = next(following)
            text = (text + pieces[number]).removeprefix("<s>").removeprefix("▁")
            own = [*own, number] if text else []
        places.append(sum(own) / len(own))
    return places


def vectors() -> Figure:
    """The vector of CLS for three sentences: 384 numbers each."""
    sentences = [sentence.text for sentence in inside.hear().sentences]
    figure = Figure(figsize=(7.8, 1.5), layout="constrained")
    axes = figure.subplots()
    values = np.stack([inside.understand(text).vector for text in sentences])
    axes.imshow(values, aspect="auto", cmap="RdBu", vmin=-1, vmax=1, interpolation="none")
    axes.set_yticks(range(len(sentences)), sentences)
    axes.set(xticks=[0, 383], xticklabels=["1", "384"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def plane() -> Figure:
    """Three logits as a point: the sentences of all demo voices, and the borders between the moods."""
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.subplots()
    across = np.array([[-1, 0, 1], [-1, 2, -1]]) / np.sqrt([[2], [6]])  # what a constant added to all three cannot move
    for mood, (start, end) in {"positive": (-90, 30), "neutral": (30, 150), "negative": (150, 270)}.items():
        axes.add_patch(Wedge((0, 0), 9, start, end, color=MOODS[mood], alpha=0.12, linewidth=0))
    for voice, text in inside.sentences():
        x, y = across @ inside.understand(text).reading.logits
        mine = voice == VOICE
        mood = voice.split("-")[1]
        axes.plot(x, y, "o", color=MOODS[mood], markersize=7 if mine else 4.5, mec="black" if mine else "white")
        if mine:
            axes.annotate(text, (x, y), (8, -3), textcoords="offset points", size=8)
    for mood, x, y in (("negative", -2.8, -1.9), ("neutral", 1.6, 3.1), ("positive", 2.9, -1.9)):
        axes.text(x, y, mood, color=MOODS[mood], ha="center", weight="bold")
    axes.set(xlim=(-3.6, 3.6), ylim=(-2.3, 3.5), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure


def softmax() -> Figure:
    """Logits, and the probabilities that they become."""
    sentences = [sentence.text for sentence in inside.hear().sentences]
    figure = Figure(figsize=(7.8, 2.3), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for row, text in enumerate(sentences):
        reading = inside.understand(text).reading
        for number, mood in enumerate(VERDICTS):
            y = -row + 0.25 * (1 - number)
            for axes, values, form in ((left, reading.logits, "+.1f"), (right, reading.probabilities, ".2f")):
                value = float(values[number])
                axes.barh(y, value, 0.2, color=MOODS[mood], label=mood if not row else None)
                side = -1 if value < 0 else 1
                axes.annotate(
                    f"{value:{form}}",
                    (value, y),
                    (3 * side, 0),
                    textcoords="offset points",
                    size=7.5,
                    va="center",
                    ha="right" if value < 0 else "left",
                )
    left.set(
        title="logits",
        yticks=[-row for row in range(len(sentences))],
        yticklabels=sentences,
        xticks=[],
        xlim=(-2.2, 2.8),
    )
    left.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    right.set(title="probabilities", xlim=(0, 1.1), xticks=[])
    figure.legend(*right.get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=3)
    for axes in (left, right):
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure
