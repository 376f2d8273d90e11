"""The demo: start the services, analyse the voice messages of this folder through the gateway, print the moods.

    python -m demo.run           # what `make demo` does

Exits 1 if a service failed or a message was not understood at all. A verdict that differs from what was meant is
shown, and is no failure: it is the model's honest answer.
"""

import asyncio
import csv
import sys
import tempfile
import time
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tools.stack import running
from voxmood import Analysis, GatewayClient, VoxmoodError, clock
from voxmood.terminal import COLOURS, SIGNS, TURNS

VOICES = Path(__file__).resolve().parent / "voices"


async def analyse_all(url: str, table: Table) -> list[str]:
    """Fill the table with a row for each voice message; return what failed."""
    failures = []
    async with GatewayClient(url) as gateway:
        with (VOICES / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
            messages = list(csv.DictReader(manifest))
        for message in messages:
            started = time.perf_counter()
            try:
                analysis = await gateway.analyze_audio((VOICES / message["file"]).read_bytes())
            except VoxmoodError as error:
                failures.append(f"{message['file']}: {error}")
                continue
            if not analysis.transcript:
                failures.append(f"{message['file']}: empty transcript")
            add_row(table, message, analysis, time.perf_counter() - started)
    return failures


def add_row(table: Table, message: dict[str, str], analysis: Analysis, seconds: float) -> None:
    """One voice message: what was understood, how it feels, how long that took."""
    verdict = "[dim]no speech"
    if analysis.verdict:
        doubt = "?" if analysis.hard_to_say else ""
        verdict = f"[{COLOURS[analysis.verdict]}]{SIGNS[analysis.verdict]} {analysis.verdict}{doubt}"
    if analysis.turn:
        verdict += f"\n  [not bold]{clock(analysis.turn.start)} {TURNS[analysis.turn.verdict]}"
    table.add_row(
        message["file"].removesuffix(".ogg"),
        analysis.language,
        verdict,
        f"{analysis.confidence or 0:.0%}",
        f"{seconds:.1f}",
        analysis.transcript,
    )


def main() -> int:
    """Run the demo; return the exit code."""
    console = Console()
    if not console.is_terminal:
        console.width = 120
    table = Table(box=SIMPLE_HEAD, show_lines=True, padding=(0, 1, 0, 0))
    for name in ("voice message", "lang", "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("sure", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("transcript", ratio=1)
    with tempfile.TemporaryFile("w+") as log:
        try:
            with console.status("starting the services"), running(log=log) as urls:
                console.print(f"services: asr {urls.asr}, sentiment {urls.sentiment}, gateway {urls.gateway}")
                failures = asyncio.run(analyse_all(urls.gateway, table))
        except RuntimeError as error:
            log.seek(0)
            console.print(log.read(), markup=False, highlight=False)
            console.print(f"demo failed: {error}", style="red")
            return 1
    console.print(table)
    for failure in failures:
        console.print(failure, style="red", markup=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
