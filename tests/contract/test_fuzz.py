"""Half a minute of the fuzzer, as `make fuzz` runs it for ten."""

from pathlib import Path

import pytest

from tests.fuzz import Options, fuzz


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # forms cut short: Starlette drops their files
def test_mutated_recordings_and_requests_crash_nothing(tmp_path: Path) -> None:
    reports = fuzz(Options(seconds=30, crashes=tmp_path))
    assert [path for report in reports.values() for path in report.crashes] == []
    outcomes = {name: set(report.outcomes) for name, report in reports.items()}
    assert outcomes["decoder"] >= {"decoded", "UnreadableAudio"}, "files that are read, and files that are not"
    assert outcomes["request bodies"] >= {"422 understood", "400 bad_request"}
