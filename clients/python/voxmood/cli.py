"""The `voxmood` command.

    voxmood analyze message.ogg
    voxmood analyze recordings/ --json > moods.jsonl
    voxmood analyze - < message.ogg
    voxmood analyze --text "I am so glad you came"

Exit codes: 0 everything was analysed; 1 an input was refused; 2 the command was misused; 3 a service failed.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from voxmood.client import ASR_URL, SENTIMENT_URL, Analyzer, GatewayClient
from voxmood.errors import InvalidInput, VoxmoodError
from voxmood.models import Analysis
from voxmood.report import show

# What a folder is searched for. A file that is named is sent whatever its name.
SUFFIXES = {".aac", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}

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
    if (text is None) == (not inputs):
        raise typer.BadParameter("give files, folders or -, or else --text")
    paths = [] if text is not None else list(expand(inputs or []))
    api_key = os.environ.get("VOXMOOD_API_KEY")
    client = GatewayClient(gateway_url, api_key=api_key) if gateway_url else Analyzer(asr_url, sentiment_url)
    raise typer.Exit(asyncio.run(run(client, paths, text, language, explain, as_json)))


def expand(inputs: list[str]) -> Iterator[str]:
    """Files as they are, folders as the audio files below them, `-` as itself."""
    for name in inputs:
        path = Path(name)
        if name == "-" or path.is_file():
            yield name
        elif path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not found:
                raise typer.BadParameter(f"{name} holds no audio files")
            yield from map(str, found)
        else:
            raise typer.BadParameter(f"{name} is no file and no folder")


async def run(
    client: Analyzer | GatewayClient,
    paths: list[str],
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


def read(name: str) -> bytes:
    """The bytes of a file, or of standard input. File names stay here: services do not need them."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput(error.strerror or "cannot be read", code="unreadable_file") from error


def as_line(name: str, analysis: Analysis, *, named: bool) -> str:
    """One line of JSON, with the file's name where there are several."""
    return json.dumps(({"file": name} if named else {}) | analysis.model_dump(mode="json"), ensure_ascii=False)


def report_failure(name: str, error: VoxmoodError, as_json: bool) -> None:
    """Say what went wrong: as a line of JSON on stdout too, so that no input is missing there."""
    Console(stderr=True).print(f"{name}: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps({"file": name, "error": {"code": error.code, "detail": str(error)}}, ensure_ascii=False))
