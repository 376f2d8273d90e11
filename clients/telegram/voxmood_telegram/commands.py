"""The commands: what the bot says of itself, and the settings of a chat. /mood is not answered here, see bot.py."""

from dataclasses import dataclass
from typing import Any

from pyrogram.enums import ChatMemberStatus, ChatType
from pyrogram.types import BotCommand, CallbackQuery, Message, User

from voxmood_telegram.chats import CHOICES, Chats
from voxmood_telegram.messenger import Buttons, Messenger, translated
from voxmood_telegram.session import Session
from voxmood_telegram.settings import Settings
from voxmood_telegram.texts import LANGUAGES, Texts, speak, spoken

NAMES = ("start", "help", "mood", "mode", "excuses", "language", "stats", "privacy")
COUNTED = {"failed": ("failed", "late", "refused")}  # outcomes that are told as one
PRIVATE = (ChatType.PRIVATE, ChatType.BOT)


@dataclass(frozen=True)
class Command:
    """A command as sent: `/mode auto`."""

    name: str
    argument: str


def command_of(message: Message, me: User | None) -> Command | None:
    """The command that a message is, if it is one for us."""
    head, _, argument = str(message.text or "").partition(" ")
    name, _, bot = head.removeprefix("/").lower().partition("@")
    if not head.startswith("/") or name not in NAMES:
        return None
    if bot and bot != str((me and me.username) or "").lower():
        return None
    return Command(name, argument.strip())


class Commands:
    """Answers each command once, below it. Raises what Messenger raises."""

    def __init__(self, session: Session, messenger: Messenger, chats: Chats, settings: Settings) -> None:
        self.session = session
        self.messenger = messenger
        self.chats = chats
        self.settings = settings

    async def register(self) -> None:
        """Put the commands into the menu, in each language; the first one also for all others."""
        for code in ("", *LANGUAGES):
            texts = speak(code or LANGUAGES[0])
            menu = [BotCommand(name, texts(f"command.{name}")) for name in NAMES]
            await self.session.set_bot_commands(menu, language_code=code)

    def texts(self, message: Message, user: User | None) -> Texts:
        """The language of a chat, or of a user in it."""
        return spoken(self.chats.get(message.chat.id).language, user and user.language_code)

    async def say(
        self, message: Message, key: str, *, below: int | None = None, buttons: Buttons = (), **values: object
    ) -> None:
        """Answer a command with a text."""
        text = self.texts(message, message.from_user)(key, **values)
        await self.tell(message, text, below=below, buttons=buttons)

    async def tell(self, message: Message, text: str, *, below: int | None = None, buttons: Buttons = ()) -> None:
        """Answer a command."""
        await self.messenger.send(
            message.chat.id, text.strip(), below=below or message.id, purpose=f"to {message.id}", buttons=buttons
        )

    async def not_listed(self, message: Message) -> None:
        """Who is not on the list learns the number that its owner needs."""
        await self.say(message, "help.not_listed", chat=message.chat.id)

    async def run(self, message: Message, command: Command) -> None:
        """Answer."""
        if command.name in CHOICES:
            await self.setting(message, command)
        elif command.name == "stats":
            await self.stats(message)
        elif command.name == "privacy":
            texts = self.texts(message, message.from_user)
            kept = texts("help.transcripts") if self.settings.telegram_memory_transcripts else ""
            await self.say(message, "help.privacy", hours=f"{self.settings.telegram_memory:g}", transcripts=kept)
        else:
            texts = self.texts(message, message.from_user)
            in_group = ["help.group"] if message.chat.type not in PRIVATE else []
            await self.tell(message, "\n\n".join(texts(key).strip() for key in (f"help.{command.name}", *in_group)))

    async def stats(self, message: Message) -> None:
        """What was counted in this chat."""
        texts, counts = self.texts(message, message.from_user), self.chats.counts(message.chat.id)
        kinds = ("negative", "neutral", "positive", "no_speech", "known", "failed")
        sums = {kind: sum(counts.get(outcome, 0) for outcome in COUNTED.get(kind, (kind,))) for kind in kinds}
        lines = [texts(f"stats.{kind}", count=count) for kind, count in sums.items() if count]
        await self.tell(message, "\n".join([texts("stats.head"), *lines]) if lines else texts("stats.none"))

    async def setting(self, message: Message, command: Command) -> None:
        """Show the choices, or choose at once: /mode auto."""
        setting, wish = command.name, command.argument.lower()
        anonymous = bool(message.sender_chat and message.sender_chat.id == message.chat.id)  # only admins can be
        if not anonymous and not await self.may_change(message, message.from_user):
            await self.say(message, "help.admins_only")
            return
        if wish in CHOICES[setting]:
            self.chats.choose(message.chat.id, setting, wish)
        texts = self.texts(message, message.from_user)
        head = texts("set.unknown") if wish and wish not in CHOICES[setting] else texts(f"set.{setting}")
        await self.tell(message, head, buttons=self.menu(message, texts, setting))

    async def choose(self, tap: CallbackQuery, menu: Message, setting: str, value: str) -> str:
        """A tap on a choice; a sentence if it is refused."""
        texts = self.texts(menu, tap.from_user)
        if not await self.may_change(menu, tap.from_user):
            return texts("help.admins_only")
        self.chats.choose(menu.chat.id, setting, value)
        texts = self.texts(menu, tap.from_user)
        await self.messenger.edit(menu.chat.id, menu.id, texts(f"set.{setting}"), self.menu(menu, texts, setting))
        return ""

    def menu(self, message: Message, texts: Texts, setting: str) -> Buttons:
        """A button a choice, the present one marked."""
        chat: Any = self.chats.get(message.chat.id)
        rows = []
        for value in CHOICES[setting]:
            name = speak(value).name if setting == "language" else texts(f"set.{setting}_{value}")
            chosen = getattr(chat, setting) == value
            rows.append([(texts("set.chosen", choice=name) if chosen else name, f"set:{setting}:{value}")])
        return rows

    async def may_change(self, message: Message, user: User | None) -> bool:
        """In a group only its admins may."""
        if message.chat.type in PRIVATE:
            return True
        if user is None:
            return False
        with translated():
            member = await self.session.get_chat_member(message.chat.id, user.id)
        return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)
