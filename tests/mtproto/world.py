"""The loopback Telegram as a test holds it: its people and groups, what the bot has called, and the faults.

One bot lives here, and it is the only client; the people are driven by the test. Not here: groups that become
supergroups, members that come and go, other than the bot.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from pyrogram.raw import types

from tests.mtproto import objects
from tests.mtproto.api import Api
from tests.mtproto.keys import server_key
from tests.mtproto.people import COMMAND, SIGN_IN, Box, Chat, File, Message, User
from tests.mtproto.session import Server
from tests.mtproto.text import as_text


@dataclass(eq=False)
class Fault:
    """Something that goes wrong in the next `times` calls of a method that `when` holds for: an error if there is a
    code, else the connection is cut instead of an answer, before or `after` the call was carried out. With `hold`
    the answer, whatever it is, waits for an event; a hold alone is no error."""

    method: str  # such as messages.SendMessage
    code: int = 0
    message: str = ""
    times: int = 1
    after: bool = False
    hold: asyncio.Event | None = None
    when: Callable[[Any], bool] = lambda query: True

    @property
    def cuts(self) -> bool:
        """Whether the connection is cut instead of an answer."""
        return not self.code and (self.after or self.hold is None)

    @property
    def carries_out(self) -> bool:
        """Whether the call has its effect all the same."""
        return self.after or not (self.code or self.cuts)

    def strikes(self, call: "Call") -> bool:
        """Whether this call is one of those it is meant for."""
        return self.times > 0 and self.method == call.method and self.when(call.query)


@dataclass(eq=False)
class Call:
    """A call that the bot made. It is listed when it comes in; `error` and `result` follow when it is done."""

    method: str
    query: Any
    data_centre: int
    time: float = field(default_factory=time.monotonic)
    error: str | None = None
    result: Any = None


class World:
    """A Telegram with one bot. `async with World() as telegram` listens; leaving it raises what went wrong inside."""

    def __init__(self) -> None:
        self.server = Server((SIGN_IN, 4), Api(self).answer)
        self.bot = User(self, 700, "Echo", username="echo_bot", token=f"700:{secrets.token_hex(16)}")
        self.users = {self.bot.id: self.bot}
        self.chats: dict[int, Chat] = {}  # by marked id
        self.box = Box()  # of private chats and basic groups
        self.files: dict[int, File] = {}
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.unhandled: list[str] = []  # methods that the bot called and this Telegram does not know
        self.commands: dict[tuple[str, str], list[tuple[str, str]]] = {}  # by scope and language
        self.chat_limit: tuple[int, float] | None = None  # so many messages and edits in so many seconds a chat
        self.refuses_deleted_replies = True  # see Messages._answered
        self.references = 0  # how often file references have expired
        self.random_ids: set[int] = set()
        self.exported: set[tuple[int, bytes]] = set()
        self.callbacks: dict[int, asyncio.Future[tuple[str | None, bool]]] = {}
        self._condition = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        if self.server.errors:
            raise self.server.errors[0]

    def __str__(self) -> str:
        """All chats as text."""
        return "\n\n".join(self.as_text(chat) for chat in self.chats.values())

    @property
    def environment(self) -> dict[str, str]:
        """The two facts that a client's process needs, for site/sitecustomize.py."""
        key = server_key()
        addresses = ",".join(f"{centre}=127.0.0.1:{port}" for centre, port in self.server.ports.items())
        return {"MT_KEY": f"{key.fingerprint}:{key.modulus:x}:{key.exponent:x}", "MT_ADDR": addresses}

    def user(self, name: str, *, language: str | None = "en") -> User:
        """A new person. Ids are beyond 32 bits, as those of new accounts are."""
        user = User(self, 7_000_000_000 + len(self.users), name, language, f"person{len(self.users)}")
        self.users[user.id] = user
        return user

    def group(self, title: str, *members: User, admins: list[User] | None = None, privacy: bool = True) -> Chat:
        """A new basic group with these members and the bot; the bot is an admin if it is among the admins."""
        return self._group(
            Chat(4_000_000_000 + len(self.chats), "group", title, self.box, [*members], [], privacy), admins
        )

    def supergroup(
        self, title: str, *members: User, admins: list[User] | None = None, privacy: bool = True, id: int | None = None
    ) -> Chat:
        """A new supergroup with these members and the bot; `id` is the marked one."""
        bare = 2_500_000_000 + len(self.chats) if id is None else -1_000_000_000_000 - id
        return self._group(Chat(bare, "supergroup", title, Box(), [*members], [], privacy), admins)

    def _group(self, chat: Chat, admins: list[User] | None) -> Chat:
        chat.members.append(self.bot)
        chat.admins.extend(admins or [])
        self.chats[chat.marked_id] = chat
        return chat

    def chat(self, chat: Chat | User) -> Chat:
        """The chat itself; of a person, the private chat with the bot."""
        if isinstance(chat, Chat):
            return chat
        private = Chat(chat.id, "private", chat.name, self.box, [chat, self.bot])
        return self.chats.setdefault(chat.id, private)

    def messages(self, chat: Chat | User) -> list[Message]:
        """What was ever sent in a chat, deleted messages too."""
        return self.chat(chat).history

    def as_text(self, chat: Chat | User) -> str:
        """The chat as a person sees it."""
        return as_text(self.chat(chat))

    def post(self, chat: Chat, sender: User, **content: Any) -> Message:
        """Put a message into a chat. Whether the bot may see it is settled here, who is told of it is not."""
        chat.box.last_id += 1
        message = Message(chat.box.last_id, chat, sender, **content)
        message.seen_by_bot = self._seen_by_bot(message)
        chat.box.messages[message.id] = message
        chat.history.append(message)
        if message.file:
            self.files[message.file.id] = message.file
        return message

    def _seen_by_bot(self, message: Message) -> bool:
        """Privacy mode: commands that are not for another bot, replies to the bot, and service messages."""
        chat = message.chat
        if self.bot not in chat.members and message.sender is not self.bot:
            return False
        if chat.kind == "private" or not chat.privacy or self.bot in chat.admins:
            return True
        command = COMMAND.match(message.text)
        meant = command is not None and command[1] in (None, self.bot.username)
        answered = message.reply_to is not None and message.reply_to.sender is self.bot
        return bool(meant or answered or message.action or message.sender is self.bot)

    async def remove_bot(self, chat: Chat) -> None:
        """The first member removes the bot from a group. From a supergroup the bot is not told by a message."""
        by, before = chat.members[0], objects.participant(self, chat, self.bot)
        removed = types.MessageActionChatDeleteUser(user_id=self.bot.id)
        message = self.post(chat, by, action=removed)
        chat.members.remove(self.bot)
        if chat.kind == "group":
            await self.server.push(objects.updates(self, [chat.box.change(message)]))
        await self.server.push(objects.membership(self, chat, by, before=before, after=None))
        await self.changed()

    async def add_bot(self, chat: Chat) -> None:
        """The first member takes the bot into a group again."""
        by = chat.members[0]
        chat.members.append(self.bot)
        message = self.post(chat, by, action=types.MessageActionChatAddUser(users=[self.bot.id]))
        after = objects.participant(self, chat, self.bot)
        await self.server.push(objects.updates(self, [chat.box.change(message)]))
        await self.server.push(objects.membership(self, chat, by, before=None, after=after))
        await self.changed()

    def block(self, user: User) -> None:
        """A person blocks the bot."""
        user.blocks_bot = True

    def expire_references(self) -> None:
        """No file can be downloaded until its message was fetched again."""
        self.references += 1

    def drop_connections(self) -> None:
        """Cut all connections; what was not acknowledged is sent again on the next ones."""
        self.server.drop_connections()

    def forget_sessions(self) -> None:
        """Forget what the server knew of its clients but their keys: waiting updates, and who gets updates."""
        self.server.forget_sessions()

    @property
    def refuse(self) -> bool:
        """Whether connections are refused."""
        return self.server.refuse

    @refuse.setter
    def refuse(self, refuse: bool) -> None:
        self.server.refuse = refuse

    def called(self, query: Any, data_centre: int) -> Call:
        """Note a call that has come in."""
        call = Call(query.QUALNAME.removeprefix("functions."), query, data_centre)
        self.calls.append(call)
        return call

    async def changed(self) -> None:
        """Let those who wait for a condition look again."""
        async with self._condition:
            self._condition.notify_all()

    async def wait(self, condition: Callable[[], Any], within: float = 20) -> Any:
        """Wait until a condition holds, and return its value. It is looked at whenever something changes."""
        async with self._condition:
            try:
                return await asyncio.wait_for(self._condition.wait_for(condition), within)
            except TimeoutError:
                pass
        calls = ", ".join(f"{call.method} {call.error or ''}".strip() for call in self.calls[-10:])
        raise AssertionError(f"waited {within} s in vain\nlast calls: {calls}\n{self}")
