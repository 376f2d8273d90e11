"""Break each part of the system, one after the other, and list what was survived and what users saw.

    python -m bench.faults      # 4 min; runs the tests marked `fault`, and writes bench/faults.json

A fault is survived when its test passes: the user sees what is said here, and the system recovers by itself.
"""

import json
import sys
from pathlib import Path
from typing import TypedDict

import pytest

RESULT = Path(__file__).with_suffix(".json")


class Fault(TypedDict):
    """What was broken, what its users saw, how often it was tried, and how often this was so."""

    what: str
    seen: str
    injected: int
    survived: int


class Faults:
    """Plugin of pytest: keeps what became of each test."""

    def __init__(self) -> None:
        self.of: dict[str, Fault] = {}
        self.failed: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which test injects which fault."""
        known: dict[str, Fault] = {}
        for item in session.items:
            if marker := item.get_closest_marker("fault"):
                fault = Fault(what=marker.args[0], seen=marker.kwargs["seen"], injected=0, survived=0)
                self.of[item.nodeid] = known.setdefault(fault["what"], fault)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count: a test has survived when none of its phases failed."""
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when == "teardown":
            self.of[report.nodeid]["injected"] += 1
            self.of[report.nodeid]["survived"] += report.nodeid not in self.failed

    def all(self) -> list[Fault]:
        """Each fault once."""
        return [*{fault["what"]: fault for fault in self.of.values()}.values()]


def main() -> None:
    """Run the tests, write the list."""
    faults = Faults()
    status = pytest.main(["-q", "-m", "fault", "tests/e2e"], plugins=[faults])
    RESULT.write_text(json.dumps(faults.all(), indent=1) + "\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
