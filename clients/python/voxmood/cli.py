"""The `voxmood` command.

    voxmood analyze message.ogg
    voxmood analyze recordings/ --json > moods.jsonl
    voxmood analyze recordings/ --out moods.csv          # goes on where it stopped
    voxmood report moods.csv
    voxmood analyze - < message.ogg
    voxmood analyze --text "I am so glad you came"

Exit codes: 0 everything was analysed; 1 an input was refused; 2 the command was misused, or its
table cannot be written; 3 a service failed.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voxmood import table
from voxmood.batch import PASSING, Batch
from voxmood.client import ASR_URL, SENTIMENT_URL, Analyzer, GatewayClient
from voxmood.errors import InvalidInput, VoxmoodError
from voxmood.files import recordings
from voxmood.printing import print_each
from voxmood.report import GENERATOR, render
from voxmood.table import Row
from voxmood.terminal import plain

WORKERS = 4  # in flight: enough for two cores to have work while answers are on their way
LISTED = 10  # failures that are told on the terminal, the rest is in the table

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def voxmood() -> None:
    """Tell the mood of voice messages before you listen to them."""


@app.command()
def analyze(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|DIR|-]...", help="Audio files, folders, or - for stdin.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Analyse this text instead of audio.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1 code, such as en; detected when left out.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Mark the words that speak for the mood or against it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line for each input.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a folder's analyses to this .csv, .jsonl or .parquet, or go on with it.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help=f"Files at a time, with --out.  [default: {WORKERS}]")
    ] = None,
    asr_url: Annotated[str, typer.Option(envvar="VOXMOOD_ASR_URL", help="Speech recognition service.")] = ASR_URL,
    sentiment_url: Annotated[
        str, typer.Option(envvar="VOXMOOD_SENTIMENT_URL", help="Sentiment service.")
    ] = SENTIMENT_URL,
    gateway_url: Annotated[
        str | None,
        typer.Option(envvar="VOXMOOD_GATEWAY_URL", help="Ask this gateway instead of the two services."),
    ] = None,
) -> None:
    """Analyse voice messages or a text, and print their moods.

    A gateway's key is read from VOXMOOD_API_KEY. Exit codes: 0 all analysed, 1 an input was refused, 2 wrong usage,
    3 a service failed.
    """
    inputs = inputs or []
    if (text is None) == (not inputs):
        raise typer.BadParameter("give files, folders or -, or else --text")
    if out and (explain or as_json or len(inputs) != 1 or not Path(inputs[0]).is_dir()):
        raise typer.BadParameter("--out takes one folder, and neither --text nor --explain nor --json")
    if workers and not out:
        raise typer.BadParameter("--workers needs --out: what is printed comes one after the other")
    paths = list(expand(inputs))
    api_key = os.environ.get("VOXMOOD_API_KEY")
    client = GatewayClient(gateway_url, api_key=api_key) if gateway_url else Analyzer(asr_url, sentiment_url)
    if out:
        raise typer.Exit(collect(Batch(client, Path(inputs[0]), out, workers=workers or WORKERS, language=language)))
    raise typer.Exit(asyncio.run(print_each(client, paths, text, language, explain, as_json)))


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="What `voxmood analyze --out` wrote.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
) -> None:
    """Write one HTML page about a table of analyses: mood over time, by speaker, the worst moments, failures."""
    try:
        if out.suffix != ".html":
            raise table.TableError(f"{out} is no page: end its name in .html")
        if out.exists() and GENERATOR not in out.read_bytes():
            raise table.TableError(f"{out} is no report of voxmood: choose another name")
        table.replace(out, render(table.read(results), results.stem).encode())
    except table.TableError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error


def expand(inputs: list[str]) -> Iterator[str]:
    """Files as they are, folders as the audio files below them, `-` as itself."""
    for name in inputs:
        path = Path(name)
        if name == "-" or path.is_file():
            yield name
        elif path.is_dir():
            found = list(recordings(path))
            if not found:
                raise typer.BadParameter(f"{name} holds no audio files")
            yield from map(str, found)
        else:
            raise typer.BadParameter(f"{name} is no file and no folder")


def collect(batch: Batch) -> int:
    """Run a batch under a progress bar, say how it ended, and return the exit code."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        table.check(batch.out)
        with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
            bar = progress.add_task("")

            async def run() -> list[Row]:
                async with batch.client:
                    return await batch.run(lambda done, total: progress.update(bar, completed=done, total=total))

            rows = asyncio.run(run())
    except table.TableError as error:
        err.print(str(error), style="red", markup=False)
        return 2
    except VoxmoodError as error:
        err.print(f"{error}\nThe same command goes on where this one stopped.", style="red", markup=False)
        return 1 if isinstance(error, InvalidInput) else 3
    except KeyboardInterrupt:
        err.print("Stopped. The same command goes on from here.")
        return 130
    failed = [row for row in rows if row.problem]
    for row in failed[:LISTED]:
        err.print(plain(f"{row.path}: {row.detail}"), style="red", markup=False)
    if len(failed) > LISTED:
        err.print(f"... and {len(failed) - LISTED} more", style="red")
    err.print(f"{len(rows) - len(failed)} of {len(rows)} files analysed, in {batch.out}", markup=False)
    if any(row.problem in PASSING for row in failed):
        err.print("A service failed some of them: the same command tries those again.")
        return 3
    return 1 if failed else 0
