"""How soon the Telegram bot answers, and whether it loses or doubles anything when it is killed again and again.

    python -m bench.telegram        # 6 min on two cores, nearly all of it recognition

Everything is real but Telegram, which is the tests' own on the loopback interface: in life its way is added, there and
back. Prints one table and writes bench/telegram.json. Not done here: recognition and classification alone.
"""

import asyncio
import json
import platform
import random
import signal
import tempfile
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from tests.mtproto import Message, Process, World
from tools.stack import ROOT, Urls, free_ports, running

VOICES = ROOT / "demo" / "voices"
WAIT = 600  # seconds for everything that was sent to be answered


@dataclass(frozen=True)
class Settings:
    """How much is sent."""

    voice: str = "en-negative-birthday.ogg"  # six seconds
    timed: int = 20
    sent: int = 200
    killed_every: int = 20
    seed: int = 1


@dataclass(frozen=True)
class Figures:
    """What was measured; seconds are medians from the message on."""

    listening: float = 0
    loaded: float = 0
    verdict: float = 0
    memory: float = 0  # MB, resident, after all
    sent: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0


def bot(telegram: World, urls: Urls, folder: Path) -> Process:
    """The bot as a process."""
    env = {
        "TELEGRAM_API_ID": "1234567",
        "TELEGRAM_API_HASH": "0" * 32,
        "TELEGRAM_BOT_TOKEN": telegram.bot.token,
        "VOXMOOD_TELEGRAM_DIR": str(folder),
        "VOXMOOD_TELEGRAM_PORT": str(free_ports(1)[0]),
        "VOXMOOD_TELEGRAM_MEMORY": "0",  # else only the first one would be listened to
        "VOXMOOD_ASR_URL": urls.asr,
        "VOXMOOD_SENTIMENT_URL": urls.sentiment,
    }
    return Process(telegram, "-m", "voxmood_telegram", env=dict(env))


def answers(telegram: World, message: Message) -> list[Message]:
    """What the bot has written below a message."""
    return [found for found in telegram.messages(message.chat) if found.reply_to is message]


def is_answered(telegram: World, message: Message) -> bool:
    """Whether a mood is told below it."""
    return any("·" in found.text for found in answers(telegram, message))


async def all_answered(telegram: World, messages: list[Message]) -> None:
    """Wait for the moods of all."""
    await telegram.wait(lambda: all(is_answered(telegram, message) for message in messages), within=3 * WAIT)


async def calls(telegram: World, number: int) -> None:
    """Wait until the bot has made so many calls in all."""
    await telegram.wait(lambda: len(telegram.calls) >= number, within=WAIT)


async def times(telegram: World, settings: Settings, urls: Urls, folder: Path) -> Figures:
    """One message after the other, the first one unmeasured."""
    anna, voice = telegram.user("Anna"), (VOICES / settings.voice).read_bytes()
    rows = []
    async with bot(telegram, urls, folder) as process:
        await process.line("ready")
        for _ in range(settings.timed + 1):
            message = await anna.voice(telegram.bot, voice, duration=6)
            await all_answered(telegram, [message])
            since = [call for call in telegram.calls if call.time >= message.time]
            (answer,) = answers(telegram, message)
            loaded = max(call.time for call in since if call.method == "upload.GetFile")
            rows.append([at - message.time for at in (answer.time, loaded, answer.edits[-1][0])])
        memory = psutil.Process(process.pid).memory_info().rss / 1e6
    listening, loaded, verdict = (median(column) for column in zip(*rows[1:], strict=True))
    return Figures(round(listening, 3), round(loaded, 3), round(verdict, 3), round(memory))


async def kills(telegram: World, settings: Settings, urls: Urls, folder: Path, figures: Figures) -> Figures:
    """Many messages, and a kill at a moment that nobody has chosen after every few."""
    people = [telegram.user(name) for name in ("Boris", "Vera", "Grigory", "Dora")]
    chance, number, kills = random.Random(settings.seed), count(), 0  # noqa: S311, a moment, no secret
    sent: list[Message] = []
    voice = (VOICES / settings.voice).read_bytes()
    while len(sent) < settings.sent:
        async with bot(telegram, urls, folder) as process:
            await process.line("ready")
            for _ in range(settings.killed_every):
                person = people[next(number) % len(people)]
                sent.append(await person.voice(telegram.bot, voice, duration=6))
            await calls(telegram, len(telegram.calls) + chance.randrange(1, 4 * settings.killed_every))
            await process.stop(signal.SIGKILL)
            kills += 1
    async with bot(telegram, urls, folder) as process:
        await process.line("ready")
        await all_answered(telegram, sent)
    found = [len(answers(telegram, message)) for message in sent]
    return replace(figures, sent=len(sent), kills=kills, lost=found.count(0), doubled=sum(n > 1 for n in found))


async def measure(settings: Settings) -> Figures:
    """Both."""
    with running() as urls, tempfile.TemporaryDirectory() as folder:
        async with World() as telegram:
            figures = await times(telegram, settings, urls, Path(folder, "times"))
            return await kills(telegram, settings, urls, Path(folder, "kills"), figures)


def main() -> None:
    """Measure, print, write."""
    settings = Settings()
    figures = asyncio.run(measure(settings))
    table = Table("figure", "value")
    for name, value in asdict(figures).items():
        table.add_row(name, str(value))
    Console().print(table)
    report = {"machine": platform.processor() or platform.machine(), **asdict(settings), **asdict(figures)}
    (ROOT / "bench" / "telegram.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
