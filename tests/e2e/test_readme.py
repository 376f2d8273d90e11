"""What the README shows is what a reader gets, and its figures are those that commands wrote."""

import json
import re

import httpx
from whisper_normalizer.basic import BasicTextNormalizer

from tools.stack import ROOT, Urls
from voxmood import Analysis

README = (ROOT / "README.md").read_text()


def words(text: str) -> list[str]:
    """The words without case and punctuation."""
    return str(BasicTextNormalizer()(text)).split()


def test_the_answer_is_the_real_one(stack: Urls) -> None:
    shown = Analysis.model_validate_json(re.findall(r"```json\n(.*?)```", README, re.S)[0])
    (path,) = re.findall(r"curl -F audio=@(\S+)", README)
    sent = httpx.post(f"{stack.gateway}/analyze", files={"audio": (ROOT / path).read_bytes()}, timeout=60)
    given = Analysis.model_validate_json(sent.content)
    # Processors with other instructions round differently: a near tie may drop a full stop, and figures move a little.
    near = {"timings", "confidence", "score", "scores", "transcript", "sentences"}
    assert shown.model_dump(exclude=near) == given.model_dump(exclude=near)
    assert words(shown.transcript) == words(given.transcript)
    verdicts = [[(words(s.text), s.verdict) for s in analysis.sentences] for analysis in (shown, given)]
    assert verdicts[0] == verdicts[1]
    assert shown.score is not None
    assert given.score is not None
    assert abs(shown.score - given.score) < 0.1


def test_the_figures_are_those_that_were_measured() -> None:
    section = README.split("## How good it is")[1].split("\n## ")[0]
    metrics = json.loads((ROOT / "services/sentiment/model/metrics.json").read_text())["systems"]
    wer = json.loads((ROOT / "bench/wer.json").read_text())
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    header, figures = rows[0], rows[2:]
    systems = header[2:]
    assert set(systems) == set(metrics)
    for source, figure, *values in figures:
        for system, value in zip(systems, values, strict=True):
            assert float(value) == metrics[system][source][figure.replace(" ", "_")]
    assert f"{100 * wer['wer']['en']:.1f} %" in section
    assert str(wer["words"]["en"]) in section


def test_the_speeds_are_those_that_were_measured() -> None:
    section = README.split("## How fast it is")[1].split("\n## ")[0]
    measured = (ROOT / "bench/asr.md").read_text().split("taken together")[1]
    ratios = re.findall(r"×([\d.]+)", section)
    assert len(ratios) == 5
    for ratio in ratios:
        assert any(f"{float(wall):.1f}" == ratio for wall in re.findall(r"\| ×([\d.]+) \|", measured))
