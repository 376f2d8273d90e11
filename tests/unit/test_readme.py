"""The figures of the README are those that commands wrote; what it shows is run by test_answers.py."""

import json
import re

from tools.stack import ROOT

README = (ROOT / "README.md").read_text()


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


def test_the_weight_of_the_page_is_what_was_measured() -> None:
    section = README.split("## The page")[1].split("\n## ")[0]
    measured = json.loads((ROOT / "bench/page.json").read_text())
    visits = [measured[visit]["bytes"] for visit in ("first_visit", "next_visit")]
    assert re.findall(r"(\d+) kB", section) == [str(round(weight / 1000)) for weight in visits]
