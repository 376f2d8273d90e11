"""`voxmood analyze` without a table: one input after the other, each printed as soon as it is known.

Not done here: arguments (cli.py), how an analysis looks (terminal.py), folders of many files (batch.py).
"""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from voxmood.client import Analyzer, GatewayClient
from voxmood.errors import InvalidInput, VoxmoodError
from voxmood.files import read
from voxmood.models import Analysis
from voxmood.terminal import plain, show


async def print_each(
    client: Analyzer | GatewayClient,
    paths: Sequence[str],
    text: str | None,
    language: str | None,
    explain: bool,
    as_json: bool,
) -> int:
    """Analyse one input after the other; return the exit code. A refused input does not stop the rest."""
    out, err = Console(), Console(stderr=True)
    code = 0
    many = len(paths) > 1
    # Prints go above the bar where both are on a terminal; where stdout goes elsewhere they must reach it.
    progress = Progress(console=err, redirect_stdout=out.is_terminal, disable=not (many and err.is_terminal))
    with progress:
        for name in progress.track(paths or ["text"], description="analysing"):
            try:
                if text is not None:
                    analysis = await client.analyze_text(text, language=language, explain=explain)
                else:
                    analysis = await client.analyze_audio(read(name), language=language, explain=explain)
            except VoxmoodError as error:
                code = max(code, 1 if isinstance(error, InvalidInput) else 3)
                report_failure(name, error, as_json)
                continue
            if as_json:
                print(as_line(name, analysis, named=many), flush=True)
            else:
                show(out, name, analysis)
    await client.aclose()
    return code


def as_line(name: str, analysis: Analysis, *, named: bool) -> str:
    """One line of JSON, with the file's name where there are several."""
    return json.dumps(({"file": name} if named else {}) | analysis.model_dump(mode="json"), ensure_ascii=False)


def report_failure(name: str, error: VoxmoodError, as_json: bool) -> None:
    """Say what went wrong: as a line of JSON on stdout too, so that no input is missing there."""
    Console(stderr=True).print(f"{plain(name)}: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps({"file": name, "error": {"code": error.code, "detail": str(error)}}, ensure_ascii=False))
