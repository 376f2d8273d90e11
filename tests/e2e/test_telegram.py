"""The Telegram bot as its users meet it: its own process, a loopback Telegram, the real services and models.

Each test prints the chats as people see them. Not done here: the parts alone, see tests/unit/test_bot.py.
"""

import asyncio
import re
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.conftest import Transcode, bot_settings
from tests.mtproto import Call, Chat, Fault, Message, Process, User, World
from tests.relay import Relay
from tools.stack import Urls, free_ports

VERDICT = re.compile("Negative|Neutral|Positive|Hard to say|Негатив|Нейтрально|Позитив|Трудно сказать")
Start = Callable[..., AbstractAsyncContextManager[Process]]


@pytest.fixture
async def telegram() -> AsyncIterator[World]:
    async with World() as world:
        yield world
        print(world)
        assert world.unhandled == []


@pytest.fixture
def start(telegram: World, stack: Urls, tmp_path: Path) -> Start:
    """Run the bot: `async with start() as bot`. A second run finds the session and the inbox of the first."""
    (port,) = free_ports(1)

    @asynccontextmanager
    async def run(ready: bool = True, **env: str) -> AsyncIterator[Process]:
        given = {
            **bot_settings(telegram, stack, tmp_path / "telegram"),
            "VOXMOOD_TELEGRAM_PORT": str(port),
            **env,
        }
        async with Process(telegram, "-m", "voxmood_telegram", env=dict(given)) as process:
            if ready:
                await process.line("ready")
            yield process

    return run


def ours(telegram: World, chat: Chat | User) -> list[Message]:
    """What the bot has written in a chat."""
    return [message for message in telegram.messages(chat) if message.sender is telegram.bot and not message.deleted]


def below(telegram: World, message: Message) -> list[Message]:
    """What the bot has written below a message."""
    return [found for found in ours(telegram, message.chat) if found.reply_to is message]


async def verdict(telegram: World, message: Message, within: float = 40) -> Message:
    """The bot's answer to a message, once it is final."""

    def answered() -> Message | None:
        return next((found for found in below(telegram, message) if VERDICT.search(found.text)), None)

    found: Message = await telegram.wait(answered, within=within)
    return found


async def said(telegram: World, message: Message, text: str, within: float = 20) -> None:
    """Wait until this is said below a message."""
    await telegram.wait(lambda: any(text in found.text for found in below(telegram, message)), within=within)


async def reply_to_command(telegram: World, user: User, chat: Chat | User, command: str) -> Message:
    """Send a command; what the bot answers below it."""
    message = await user.say(chat, command)
    await telegram.wait(lambda: below(telegram, message))
    return below(telegram, message)[0]


def buttons(message: Message) -> list[str]:
    """The buttons below a message."""
    return [text for row in message.buttons for text, _ in row]


def sendings(telegram: World) -> list[Call]:
    """What the bot has sent, or tried to."""
    return [call for call in telegram.calls if call.method == "messages.SendMessage"]


async def test_a_voice_is_answered_below_it(telegram: World, start: Start, voices: dict[str, bytes]) -> None:
    anna = telegram.user("Anna", language="en")
    async with start():
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        answer = await verdict(telegram, message)
        assert below(telegram, message) == [answer], "one message in the end"
        assert sendings(telegram)[0].query.message == "🎧 Listening…"
        assert answer.text.startswith("😟 Negative, ")
        assert "English · 0:06" in answer.text
        assert "You forgot my birthday again" in answer.text
        quote = next(entity for entity in answer.entities if "Blockquote" in type(entity).__name__)
        assert quote.collapsed
        assert buttons(answer) == ["🎧 Can't listen now"]


async def test_a_group_is_answered_in_the_language_of_who_speaks(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna, boris = telegram.user("Анна", language="ru"), telegram.user("Boris")
    kitchen = telegram.group("Кухня", anna, boris, admins=[boris], privacy=False)
    async with start():
        answer = await verdict(telegram, await anna.voice(kitchen, voices["ru-negative-phone"], duration=9))
    assert answer.text.startswith("😟 Негатив, ")
    assert "русский · 0:" in answer.text
    assert buttons(answer) == ["🎧 Не могу послушать"]


async def test_every_kind_of_recording_is_answered(
    telegram: World, start: Start, voices: dict[str, bytes], transcode: Transcode
) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    large = transcode(voices["en-negative-holiday"], "wav", "pcm_s16le", rate=96_000)
    assert len(large) > 3_000_000
    async with start():
        video = transcode(voices["en-positive-job"], "mp4", "aac", video=True)
        sent = [
            await anna.video_note(telegram.bot, video, duration=7),
            await anna.audio(telegram.bot, voices["ru-positive-concert"], name="concert.ogg", duration=8),
            await anna.document(telegram.bot, large, name="holiday.WAV", mime="application/octet-stream"),
            await boris.forward(await anna.voice(telegram.bot, voices["en-neutral-keys"], duration=9), telegram.bot),
        ]
        answers = [await verdict(telegram, message, within=60) for message in sent]
    assert ["Positive" in answer.text for answer in answers] == [True, True, False, False]
    assert re.search(r"0:\d\d gets heated", answers[2].text), "the long one tells where it turns"
    parts = [call for call in telegram.calls if call.method == "upload.GetFile" and call.query.offset]
    assert len(parts) >= 2, "large files come in parts"


async def test_a_text_is_judged_when_asked_for(telegram: World, start: Start) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    kitchen = telegram.group("Kitchen", anna, boris, privacy=True)
    async with start():
        unasked = await anna.say(kitchen, "I hate this, you ruined everything again")
        asked = await anna.say(kitchen, "What a lovely evening, thank you all so much!")
        await boris.say(kitchen, "/mood", reply_to=asked)
        answer = await verdict(telegram, asked)
        assert answer.text.startswith("🙂 Positive")
        own = await boris.say(kitchen, "/mood I am so disappointed in you")
        assert (await verdict(telegram, own)).text.startswith("😟 Negative")
        again = await boris.say(kitchen, "/mood@echo_bot", reply_to=asked)
        await telegram.wait(lambda: [m for m in ours(telegram, kitchen) if m.reply_to is answer])
        await boris.say(kitchen, "/mood")
        await telegram.wait(lambda: "Reply to a voice" in ours(telegram, kitchen)[-1].text)
    assert not below(telegram, unasked)
    assert not below(telegram, again)


async def test_modes(telegram: World, start: Start, voices: dict[str, bytes]) -> None:
    anna = telegram.user("Anna")
    async with start():
        menu = await reply_to_command(telegram, anna, telegram.bot, "/mode")
        await anna.press(menu, "Only if negative")
        await telegram.wait(lambda: "✓ Only if negative" in buttons(menu))
        glad = await anna.voice(telegram.bot, voices["en-positive-job"], duration=7)
        hurt = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, hurt)
        assert not [call for call in sendings(telegram) if "Listening" in call.query.message], (
            "silent until it is negative"
        )
        await anna.say(telegram.bot, "/mood", reply_to=glad)
        assert "Positive" in (await verdict(telegram, glad)).text
        await reply_to_command(telegram, anna, telegram.bot, "/mode request")
        silent = await anna.voice(telegram.bot, voices["en-positive-dinner"], duration=7)
        stats = await reply_to_command(telegram, anna, telegram.bot, "/stats")
    assert not below(telegram, silent)
    assert "negative: 1" in stats.text


async def test_only_admins_change_the_settings_of_a_group(telegram: World, start: Start) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    for group in (
        telegram.group("Kitchen", anna, boris, admins=[anna]),
        telegram.supergroup("Club", anna, boris, admins=[anna], id=-1_007_000_000_000 - 5),
    ):
        async with start():
            refused = await reply_to_command(telegram, boris, group, "/language ru")
            assert refused.text == "Only admins of the group can change this."
            menu = await reply_to_command(telegram, anna, group, "/language")
            answer = await boris.press(menu, "Русский")
            assert answer.alert
            assert buttons(menu) == ["English", "Русский"]
            await anna.press(menu, "Русский")
            assert buttons(menu) == ["English", "✓ Русский"]
            greeting = await reply_to_command(telegram, boris, group, "/start")
            assert "настроение" in greeting.text
            assert "BotFather" in greeting.text, "what a group must know"


async def test_an_excuse_needs_a_tap_and_names_who_tapped(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris <b>")
    kitchen = telegram.group("Kitchen", anna, boris, privacy=False)
    async with start():
        voice = await anna.voice(kitchen, voices["en-negative-birthday"], duration=6)
        answer = await verdict(telegram, voice)
        await boris.press(answer, "🎧 Can't listen now")
        assert len(buttons(answer)) == 4
        assert len(below(telegram, voice)) == 1, "nothing is sent yet"
        assert await boris.press(answer, "No headphones with me, text me?") == ("Sent", False)
        await telegram.wait(lambda: len(below(telegram, voice)) == 2)
        assert below(telegram, voice)[1].text == "Boris <b>: No headphones with me, text me?"
        assert buttons(answer) == ["🎧 Can't listen now"]
        await boris.press(answer, "🎧 Can't listen now")
        await boris.press(answer, "↩ Never mind")
        await boris.press(answer, "🎧 Can't listen now")
        await boris.press(answer, "No headphones with me, text me?")
    assert len(below(telegram, voice)) == 2, "said once"


async def test_commands_and_their_menu(telegram: World, start: Start) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Борис", language="ru")
    (port,) = free_ports(1)
    async with start(VOXMOOD_TELEGRAM_CHATS=str(anna.id), VOXMOOD_TELEGRAM_PORT=str(port)):
        assert "before you listen" in (await reply_to_command(telegram, anna, telegram.bot, "/start")).text
        assert "/mood" in (await reply_to_command(telegram, anna, telegram.bot, "/help")).text
        assert "not kept" in (await reply_to_command(telegram, anna, telegram.bot, "/privacy")).text
        assert "not answered" in (await reply_to_command(telegram, anna, telegram.bot, "/stats")).text
        stranger = await reply_to_command(telegram, boris, telegram.bot, "/start")
        assert str(boris.id) in stranger.text, "what the owner must list"
        await telegram.wait(lambda: len(telegram.commands) == 3)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/livez")).status_code == 200
            assert (await http.get("/readyz")).status_code == 200
            metrics = (await http.get("/metrics")).text
    menus = {language: dict(menu) for (_, language), menu in telegram.commands.items()}
    assert menus[""] == menus["en"]
    assert menus["en"].keys() == menus["ru"].keys() >= {"start", "help", "mood", "mode", "language", "privacy", "stats"}
    assert menus["en"]["help"] != menus["ru"]["help"]
    assert "voxmood_telegram_waiting 0.0" in metrics
    assert str(anna.id) not in metrics


async def test_what_cannot_be_heard_gets_a_friendly_sentence(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna = telegram.user("Anna")
    async with start(VOXMOOD_MAX_BYTES="60000") as bot:
        cases = {
            "cannot play": await anna.voice(telegram.bot, b"no sound at all" * 100, duration=3),
            "longer than 10 minutes": await anna.voice(telegram.bot, voices["en-neutral-keys"], duration=601),
            "larger than": await anna.voice(telegram.bot, voices["en-negative-holiday"], duration=30),
        }
        for text, message in cases.items():
            await said(telegram, message, text)
        assert "Traceback" not in bot.output
    loaded = {call.query.location.id for call in telegram.calls if call.method == "upload.GetFile"}
    refused = [cases["longer than 10 minutes"], cases["larger than"]]
    assert not loaded & {message.file.id for message in refused if message.file}, "refused before it is loaded"


async def test_a_forwarded_recording_is_known_without_its_words(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    async with start():
        first = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, first)
        second = await boris.forward(first, telegram.bot)
        known = await verdict(telegram, second)
        assert "birthday" not in known.text
        assert known.text.split("\n")[0] == below(telegram, first)[0].text.split("\n")[0]
        await verdict(telegram, await boris.say(telegram.bot, "/mood I am glad"))
        await boris.say(telegram.bot, "/mood", reply_to=second)
        await telegram.wait(lambda: "birthday" in known.text)
    assert len(below(telegram, second)) == 1
    assert len([call for call in telegram.calls if call.method == "upload.GetFile"]) == 2


@pytest.mark.fault(
    "services down when the bot needs them",
    seen="that it takes longer than usual, then the mood; an apology when its tries are used up",
)
@pytest.mark.slow
async def test_services_that_are_down_only_delay(
    telegram: World, start: Start, voices: dict[str, bytes], stack: Urls
) -> None:
    anna = telegram.user("Anna")
    async with Relay(stack.asr) as asr, start(VOXMOOD_ASR_URL=asr.url):
        asr.close()
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await said(telegram, message, "longer than usual")
        await asr.open()
        await verdict(telegram, message)
        asr.close()
        lost = await anna.voice(telegram.bot, voices["en-positive-job"], duration=6)
        await said(telegram, lost, "longer than usual")
    async with start(VOXMOOD_ASR_URL=asr.url, VOXMOOD_TELEGRAM_ATTEMPTS="3"):
        await said(telegram, lost, "out of order", within=40)
    assert len(below(telegram, message)) == len(below(telegram, lost)) == 1


async def test_the_transcript_is_shown_while_the_mood_is_awaited(
    telegram: World, start: Start, voices: dict[str, bytes], stack: Urls
) -> None:
    anna = telegram.user("Anna")
    async with Relay(stack.sentiment) as sentiment, start(VOXMOOD_SENTIMENT_URL=sentiment.url):
        sentiment.hold()
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await said(telegram, message, "birthday")
        (answer,) = below(telegram, message)
        assert not VERDICT.search(answer.text)
        sentiment.release()
        await verdict(telegram, message)
    times = [answer.time, *(time for time, _ in answer.edits)]
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(times)), "edits keep a second apart"


@pytest.mark.fault("Telegram refuses with FLOOD_WAIT", seen="the answer, after the wait")
@pytest.mark.parametrize("method", ["messages.SendMessage", "messages.EditMessage", "messages.GetMessages"])
async def test_floods_are_waited_for(telegram: World, start: Start, voices: dict[str, bytes], method: str) -> None:
    anna = telegram.user("Anna")
    async with start():
        telegram.faults.append(Fault(method, 420, "FLOOD_WAIT_2"))
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, message)
    refused, *later = [call for call in telegram.calls if call.method == method and call.time > message.time]
    assert refused.error == "420 FLOOD_WAIT_2"
    assert later[0].time - refused.time >= 2
    assert len(below(telegram, message)) == 1


@pytest.mark.fault("the connection to Telegram cut", seen="the answers, once each, when it is back")
@pytest.mark.parametrize("forgotten", [False, True])
async def test_what_is_sent_while_the_connection_is_cut_is_answered(
    telegram: World, start: Start, voices: dict[str, bytes], forgotten: bool
) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    club = telegram.supergroup("Club", anna, boris, admins=[anna], privacy=False)
    async with start():
        first = await anna.voice(club, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, first)
        telegram.refuse = True
        telegram.drop_connections()
        if forgotten:
            telegram.forget_sessions()
        messages = [
            await anna.voice(chat, voices[name], duration=7)
            for chat, name in ((telegram.bot, "en-positive-job"), (club, "en-positive-dinner"))
        ]
        telegram.refuse = False
        for message in messages:
            await verdict(telegram, message, within=60)
    assert [len(below(telegram, message)) for message in [first, *messages]] == [1, 1, 1]


@pytest.mark.fault("the bot's clock set three hours forth or back", seen="the answer, as ever")
@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_clock_that_is_set_keeps_nobody_waiting(
    telegram: World, start: Start, stack: Urls, voices: dict[str, bytes], tmp_path: Path, hours: float
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    anna = telegram.user("Anna")
    async with Relay(stack.asr) as asr, start(VOXMOOD_ASR_URL=asr.url, MT_CLOCK=str(clock)) as bot:
        asr.close()
        waiting = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await bot.line("attempt 2 failed")
        clock.write_text(str(3600 * hours))
        await asr.open()
        await verdict(telegram, waiting)
        await verdict(telegram, await anna.voice(telegram.bot, voices["en-positive-job"], duration=7))


@pytest.mark.fault("no space for the bot's SQLite", seen="the answer, once the bot is started with space")
async def test_a_full_disk_ends_the_bot_and_loses_nothing(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:
        resource.prlimit(
            bot.pid, resource.RLIMIT_FSIZE, (4096, 4096)
        )  # no file of its may grow, as if the disk were full
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await bot.line("is the disk full?")
        await bot.ended()
        assert not any(VERDICT.search(answer.text) for answer in below(telegram, message))
    async with start():
        await verdict(telegram, message)
    assert len(below(telegram, message)) == 1


KILLS = {
    "before the reply": Fault("messages.GetMessages"),
    "the reply sent, its number not known": Fault("messages.SendMessage", after=True),
    "while listening": Fault("upload.GetFile"),
    "the mood told, the outcome not written": Fault("messages.EditMessage", after=True),
}


@pytest.mark.fault("the bot killed, at four points of an answer", seen="the answer, once, after the start")
@pytest.mark.slow
@pytest.mark.parametrize("when", KILLS)
async def test_killed_at_any_point_it_answers_once(
    telegram: World, start: Start, voices: dict[str, bytes], when: str
) -> None:
    anna = telegram.user("Anna")
    fault = replace(KILLS[when], hold=asyncio.Event())
    async with start() as bot:
        telegram.faults.append(fault)
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await telegram.wait(lambda: any(c.method == fault.method and c.time > message.time for c in telegram.calls))
        await bot.stop(signal.SIGKILL)
    telegram.faults.clear()
    while_away = await anna.voice(telegram.bot, voices["en-positive-job"], duration=7)
    for _ in range(2):  # the second time all is done, and Telegram may send it all again
        async with start() as bot:
            for sent in (message, while_away):
                await verdict(telegram, sent)
            await anna.say(telegram.bot, "/stats")
            await telegram.wait(lambda: "In this chat" in ours(telegram, anna)[-1].text)
            await bot.stop(signal.SIGKILL)
    assert [len(below(telegram, sent)) for sent in (message, while_away)] == [1, 1]


@pytest.mark.slow
async def test_a_noisy_group_does_not_keep_others_waiting(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    noisy = telegram.group("Noisy", anna, privacy=False)
    async with start():
        many = [await anna.voice(noisy, voices["en-neutral-keys"], duration=9) for _ in range(50)]
        one = await boris.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, one)
        before = [message for message in many if any(VERDICT.search(a.text) for a in below(telegram, message))]
    assert len(before) <= 6


@pytest.mark.slow
async def test_sigterm_ends_soon_and_loses_nothing(
    telegram: World, start: Start, voices: dict[str, bytes], stack: Urls
) -> None:
    anna = telegram.user("Anna")
    async with Relay(stack.asr) as asr:
        async with start(VOXMOOD_ASR_URL=asr.url) as bot:
            asr.hold()
            message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
            await telegram.wait(lambda: below(telegram, message))
            began = asyncio.get_running_loop().time()
            assert await bot.stop(signal.SIGTERM) == 0
            assert asyncio.get_running_loop().time() - began < 14, "docker's patience is 15 s"
        asr.release()
        async with start(VOXMOOD_ASR_URL=asr.url):
            await verdict(telegram, message)
    assert len(below(telegram, message)) == 1


@pytest.mark.fault("Telegram's file references expire", seen="the answer")
async def test_a_file_reference_that_has_expired_is_renewed(
    telegram: World, start: Start, voices: dict[str, bytes]
) -> None:
    anna = telegram.user("Anna")
    async with start():
        telegram.faults.append(Fault("upload.GetFile", 400, "FILE_REFERENCE_EXPIRED"))
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6, data_centre=4)
        await verdict(telegram, message)


async def test_a_group_with_a_new_kind_of_id(telegram: World, start: Start, voices: dict[str, bytes]) -> None:
    anna = telegram.user("Anna")
    club = telegram.supergroup("Club", anna, privacy=False, id=-1_007_852_516_352)
    async with start():
        await verdict(telegram, await anna.voice(club, voices["en-negative-birthday"], duration=6))


async def test_who_is_gone_does_no_harm_to_the_others(telegram: World, start: Start, voices: dict[str, bytes]) -> None:
    anna, boris, vera = (telegram.user(name) for name in ("Anna", "Boris", "Vera"))
    kitchen = telegram.group("Kitchen", anna, privacy=False)
    club = telegram.supergroup("Club", anna, privacy=False)
    async with start() as bot:
        hold = asyncio.Event()
        telegram.faults.append(Fault("upload.GetFile", hold=hold, times=9))
        for chat in (kitchen, club):
            await anna.voice(chat, voices["en-negative-birthday"], duration=6)
        blocked = await boris.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await telegram.wait(lambda: below(telegram, blocked))
        telegram.block(boris)
        await telegram.remove_bot(kitchen)
        await telegram.remove_bot(club)
        deleted = await vera.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await telegram.wait(lambda: below(telegram, deleted))
        await vera.delete(below(telegram, deleted)[0])
        hold.set()
        telegram.faults.clear()
        await verdict(telegram, await vera.voice(telegram.bot, voices["en-positive-job"], duration=7))
        assert "Traceback" not in bot.output


async def test_a_wrong_token_is_said_to_be_wrong(telegram: World, start: Start) -> None:
    async with start(ready=False, TELEGRAM_BOT_TOKEN="700:wrong") as bot:  # noqa: S106
        await bot.line("TELEGRAM_BOT_TOKEN")
        assert await bot.stop(within=15) == 1
    assert "700:wrong" not in bot.output


async def test_it_waits_for_a_telegram_that_is_not_there(telegram: World, start: Start) -> None:
    telegram.refuse = True
    async with start(ready=False) as bot:
        await bot.line("listening on")
        assert await bot.stop(within=15) == 1, "it never was ready"
    async with start(ready=False) as bot:
        await bot.line("listening on")
        telegram.refuse = False
        await bot.line("ready")


async def test_nothing_private_is_logged(telegram: World, start: Start, voices: dict[str, bytes]) -> None:
    anna = telegram.user("Annabella")
    async with start(VOXMOOD_LOG_LEVEL="DEBUG") as bot:
        message = await anna.voice(telegram.bot, voices["en-negative-birthday"], duration=6)
        await verdict(telegram, message)
        await anna.voice(telegram.bot, b"broken", duration=6)
        await reply_to_command(telegram, anna, telegram.bot, "/mood I am so disappointed")
        await bot.stop()
    for secret in ("birthday", "disappointed", "Annabella", telegram.bot.token.partition(":")[2], str(anna.id)):
        assert secret not in bot.output
