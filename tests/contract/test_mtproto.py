"""The loopback Telegram keeps its word: kurigram's own client, in this process or in one of its own, gets from it what
Telegram's documentation promises. The bot under test is in tests/e2e/test_telegram.py."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pyrogram import Client, errors, types
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.enums import ChatMemberStatus
from pyrogram.handlers import CallbackQueryHandler, ChatMemberUpdatedHandler, MessageHandler
from pyrogram.raw import functions

from tests.mtproto import Fault, Process, World
from tests.mtproto.keys import server_key

SOUND = bytes(range(256)) * 40
ECHO = """
import asyncio, os
from pyrogram import Client, filters, idle

bot = Client("echo", 1, "0" * 32, bot_token=os.environ["TOKEN"], in_memory=True)

@bot.on_message(filters.text)
async def echo(_, message):
    await message.reply_text(message.text)

async def main():
    async with bot:
        print("ready", flush=True)
        await idle()
    print("stopped", flush=True)

bot.loop.run_until_complete(main())
"""


@pytest.fixture
async def telegram() -> AsyncIterator[World]:
    async with World() as world:
        yield world
    assert world.unhandled == []


class Bot:
    """kurigram's client, with all that it is told of in `told`."""

    def __init__(self, telegram: World, folder: Path, token: str | None = None) -> None:
        def connect(dc_id: int, server_address: str, port: int, **more: Any) -> Connection:
            return Connection(dc_id, "127.0.0.1", telegram.server.ports[dc_id], **more)

        self.client = Client(
            "bot",
            1,
            "0" * 32,
            bot_token=token or telegram.bot.token,
            workdir=folder,
            skip_updates=False,
            sleep_threshold=0,
            connection_factory=connect,
        )
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.client.add_handler(MessageHandler(self._tell))
        self.client.add_handler(CallbackQueryHandler(self._tell))
        self.client.add_handler(ChatMemberUpdatedHandler(self._tell))

    async def _tell(self, client: Client, update: Any) -> None:
        if not getattr(update, "outgoing", False):
            self.told.put_nowait(update)

    async def next(self) -> Any:
        """The next message, press of a button or change of membership."""
        return await asyncio.wait_for(self.told.get(), 20)

    async def __aenter__(self) -> "Bot":
        await self.client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.stop()
        for session in self.client.sessions.values():  # kurigram leaves those of other data centres open
            await session.stop()


Start = Callable[..., Bot]


@pytest.fixture
def start(telegram: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """A bot; the next one finds the session file of the one before."""
    key = server_key()
    monkeypatch.setitem(rsa.server_public_keys, key.fingerprint, rsa.PublicKey(key.modulus, key.exponent))
    return lambda token=None: Bot(telegram, tmp_path, token)


async def test_a_wrong_token_is_refused(telegram: World, start: Start) -> None:
    with pytest.raises(errors.AccessTokenInvalid):
        await start("700:wrong").client.start()


async def test_a_process_is_led_here_by_its_environment(telegram: World) -> None:
    anna = telegram.user("Anna")
    async with Process(telegram, "-c", ECHO, env={"TOKEN": telegram.bot.token}) as process:
        await process.line("ready")
        await anna.say(telegram.bot, "hello")
        await telegram.wait(lambda: len(telegram.messages(anna)) == 2)
        assert telegram.messages(anna)[1].text == "hello"
        assert await process.stop(signal.SIGTERM) == 0
        assert process.lines[-1] == "stopped"


async def test_a_long_voice_comes_in_parts_from_the_other_data_centre(telegram: World, start: Start) -> None:
    anna, sound = telegram.user("Anna", language="ru"), SOUND * 300
    async with start() as bot:
        await anna.voice(telegram.bot, sound, duration=61, data_centre=4)
        message = await bot.next()
        assert (message.voice.duration, message.from_user.language_code) == (61, "ru")
        assert (await message.download(in_memory=True)).getvalue() == sound
        parts = [call for call in telegram.calls if call.method == "upload.GetFile"]
        assert [(call.data_centre, call.query.offset >> 20) for call in parts] == [(4, 0), (4, 1), (4, 2)]
        await anna.forward(telegram.messages(anna)[0], telegram.bot)
        forward = await bot.next()
        assert forward.voice.file_unique_id == message.voice.file_unique_id
        assert forward.forward_origin.sender_user.first_name == "Anna"


async def test_every_kind_of_file_is_what_it_is(telegram: World, start: Start) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:
        await anna.audio(telegram.bot, SOUND, name="tune.mp3")
        await anna.video_note(telegram.bot, SOUND)
        await anna.document(telegram.bot, SOUND, name="talk.wav", mime="audio/wav")
        audio, note, document = [await bot.next() for _ in range(3)]
        assert audio.audio.file_name == "tune.mp3"
        assert note.video_note.duration == 3
        assert document.document.mime_type == "audio/wav"


async def test_an_answer_with_buttons_as_a_person_sees_it(telegram: World, start: Start) -> None:
    anna = telegram.user("Anna")
    keyboard = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("More", callback_data="more:1")]])
    async with start() as bot:
        await anna.voice(telegram.bot, SOUND, duration=6)
        message = await bot.next()
        answer = await message.reply_text("Listening…", reply_markup=keyboard)
        await answer.edit_text("Fine\n<blockquote expandable>one\ntwo</blockquote>", reply_markup=keyboard)
        pressing = asyncio.create_task(anna.press(telegram.messages(anna)[1], "More"))
        press = await bot.next()
        assert (press.data, press.from_user.first_name) == ("more:1", "Anna")
        await press.answer("Here you are", show_alert=True)
        assert await pressing == ("Here you are", True)
        with pytest.raises(errors.QueryIdInvalid):
            await press.answer("Again")
        shown = "== Anna ==\nAnna:\n  (voice 0:06)\nEcho ↩ Anna: (voice 0:06) (edited):\n  Fine\n  ▸ one\n  ▸ two\n"
        assert telegram.as_text(anna) == shown + "  [ More ]"
        await answer.edit_text("Done")
        assert telegram.messages(anna)[1].buttons == []
        assert [text for _, text in telegram.messages(anna)[1].edits] == ["Fine\none\ntwo", "Done"]


async def test_what_telegram_refuses(telegram: World, start: Start) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:
        here, send = anna.id, bot.client.send_message
        await anna.say(telegram.bot, "/start@echo_bot now")
        first = await bot.next()
        assert first.entities[0].length == len("/start@echo_bot")
        answer = await send(here, "🙂" * 2048)
        with pytest.raises(errors.MessageTooLong):
            await send(here, "🙂" * 2048 + ".")
        with pytest.raises(errors.MessageEmpty):
            await send(here, " ")
        long = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("More", callback_data="x" * 65)]])
        with pytest.raises(errors.ButtonDataInvalid):
            await send(here, "text", reply_markup=long)
        with pytest.raises(errors.MessageNotModified):
            await bot.client.edit_message_text(here, answer.id, "🙂" * 2048)
        with pytest.raises(errors.MessageAuthorRequired):
            await bot.client.edit_message_text(here, first.id, "mine")
        await anna.delete(telegram.messages(anna)[0])
        with pytest.raises(errors.ReplyMessageIdInvalid):
            await first.reply_text("too late")
        await answer.delete()
        with pytest.raises(errors.MessageIdInvalid):
            await bot.client.edit_message_text(here, answer.id, "too late")
        with pytest.raises(errors.BotCommandInvalid):
            await bot.client.set_bot_commands([types.BotCommand("No", "No")])
        await bot.client.set_bot_commands([types.BotCommand("start", "Say hello")], language_code="en")
        assert telegram.commands == {("default", "en"): [("start", "Say hello")]}
        telegram.chat_limit = (1, 60.0)
        await send(here, "one")
        with pytest.raises(errors.FloodWait):
            await send(here, "two")
        telegram.block(anna)
        with pytest.raises(errors.UserIsBlocked):
            await send(here, "three")


async def test_privacy_mode_hides_what_is_not_for_the_bot(telegram: World, start: Start) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Борис")
    kitchen = telegram.group("Kitchen", anna, boris, admins=[boris])
    yard = telegram.group("Yard", anna, privacy=False)
    async with start() as bot:
        voice = await anna.voice(kitchen, SOUND)
        await boris.say(kitchen, "/mood@other_bot", reply_to=voice)
        await boris.say(kitchen, "/mood", reply_to=voice)
        command = await bot.next()
        assert (command.text, command.reply_to_message.voice.file_size) == ("/mood", len(SOUND))
        answer = await command.reply_text("Well")
        await anna.say(kitchen, "Thanks", reply_to=telegram.messages(kitchen)[-1])
        assert (await bot.next()).text == "Thanks"
        await anna.say(yard, "Nobody home")
        assert (await bot.next()).chat.title == "Yard"
        statuses = [(await bot.client.get_chat_member(kitchen.marked_id, user.id)).status for user in (anna, boris)]
        assert statuses == [ChatMemberStatus.MEMBER, ChatMemberStatus.OWNER]
        await telegram.remove_bot(kitchen)
        told = [await bot.next(), await bot.next()]
        assert {type(update) for update in told} == {types.Message, types.ChatMemberUpdated}
        with pytest.raises(errors.ChatWriteForbidden403):
            await answer.reply_text("Anyone?")
        await telegram.add_bot(kitchen)
        await answer.reply_text("Back again")


async def test_a_supergroup_with_an_id_beyond_the_old_limit(telegram: World, start: Start) -> None:
    anna, boris = telegram.user("Anna"), telegram.user("Борис")
    club = telegram.supergroup("Club", boris, anna, admins=[boris, anna], privacy=False, id=-1003999999999)
    async with start() as bot:
        await anna.voice(club, SOUND)
        message = await bot.next()
        assert (message.chat.id, message.chat.title) == (-1003999999999, "Club")
        assert (await message.download(in_memory=True)).getvalue() == SOUND
        answer = await message.reply_text("Well")
        await answer.edit_text("Better")
        assert telegram.messages(club)[1].text == "Better"
        assert telegram.messages(club)[1].reply_to is telegram.messages(club)[0]
        assert (await bot.client.get_chat_member(club.marked_id, anna.id)).status == ChatMemberStatus.ADMINISTRATOR
        await telegram.remove_bot(club)
        assert (await bot.next()).old_chat_member.user.is_self
        with pytest.raises(errors.ChannelPrivate):
            await answer.reply_text("Anyone?")


async def test_what_came_while_the_bot_was_away_arrives_later(telegram: World, start: Start) -> None:
    anna = telegram.user("Anna")
    club = telegram.supergroup("Club", anna, privacy=False)
    async with start() as bot:
        await anna.say(telegram.bot, "one")
        await anna.say(club, "two")
        assert {(await bot.next()).text for _ in range(2)} == {"one", "two"}
    long = "three" * 600  # more than the server sends without gzip
    await anna.say(telegram.bot, long)
    await anna.delete(await anna.say(telegram.bot, "not to be read"))
    await anna.say(club, "four")
    async with start() as bot:
        assert {(await bot.next()).text for _ in range(2)} == {long, "four"}
        assert bot.told.empty()


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_cut_connection_loses_nothing(telegram: World, start: Start, forgotten: bool) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:

        @bot.client.on_connect()  # type: ignore[untyped-decorator]
        async def recover(client: Client, _: object) -> None:
            if forgotten:
                await client.recover_gaps()

        await anna.say(telegram.bot, "one")
        assert (await bot.next()).text == "one"
        telegram.drop_connections()
        await anna.say(telegram.bot, "two")
        if forgotten:
            telegram.forget_sessions()
        assert (await bot.next()).text == "two"
        await anna.say(telegram.bot, "three")
        assert (await bot.next()).text == "three"


async def test_a_lost_answer_is_not_sent_twice(telegram: World, start: Start) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:
        await anna.say(telegram.bot, "one")
        await bot.next()
        telegram.faults.append(Fault("messages.SendMessage", after=True))
        peer: Any = await bot.client.resolve_peer(anna.id)
        send = functions.messages.SendMessage(peer=peer, message="two", random_id=7)
        with pytest.raises(errors.RandomIdDuplicate):
            await bot.client.invoke(send, timeout=1)
        assert [message.text for message in telegram.messages(anna)] == ["one", "two"]


async def test_faults_strike_the_calls_they_are_meant_for(telegram: World, start: Start) -> None:
    anna, go = telegram.user("Anna"), asyncio.Event()
    async with start() as bot:
        await anna.say(telegram.bot, "hello")
        message = await bot.next()
        twice = Fault("messages.SendMessage", 420, "FLOOD_WAIT_3", times=2, when=lambda query: "!" in query.message)
        telegram.faults += [twice, Fault("messages.EditMessage", hold=go)]
        for _ in range(2):
            with pytest.raises(errors.FloodWait) as caught:
                await message.reply_text("Oh!")
            assert caught.value.value == 3
        answer = await message.reply_text("Oh.")
        editing = asyncio.create_task(answer.edit_text("Oh…"))
        await telegram.wait(lambda: telegram.messages(anna)[-1].edits)
        assert not editing.done()
        go.set()
        await editing


async def test_an_expired_file_reference_is_good_again_after_the_message_was_fetched(
    telegram: World, start: Start
) -> None:
    anna = telegram.user("Anna")
    async with start() as bot:
        await anna.voice(telegram.bot, SOUND)
        message = await bot.next()
        telegram.expire_references()
        with pytest.raises(errors.FileReferenceExpired):
            await message.download(in_memory=True)
        (again,) = await bot.client.get_messages(anna.id, [message.id])
        assert (await again.download(in_memory=True)).getvalue() == SOUND


async def test_a_method_that_nobody_answers_is_noted(
    telegram: World, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # pyrogram writes down errors that it does not know
    async with start() as bot:
        with pytest.raises(errors.RPCError, match="METHOD_NOT"):
            await bot.client.invoke(functions.messages.GetPinnedDialogs(folder_id=0))
    assert telegram.unhandled == ["messages.GetPinnedDialogs"]
    telegram.unhandled.clear()


async def test_waiting_in_vain_shows_the_chats(telegram: World) -> None:
    anna = telegram.user("Anna")
    await anna.say(telegram.bot, "Anyone?")
    with pytest.raises(AssertionError, match=r"Anna:\n  Anyone\?"):
        await telegram.wait(lambda: len(telegram.messages(anna)) == 2, within=0.1)
