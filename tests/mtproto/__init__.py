"""A Telegram on the loopback interface, for end-to-end tests of a bot that is a process of its own and not changed.

It speaks the true protocol (MTProto 2.0) on real sockets, has people whom the test moves, and faults on demand:

    async with World() as telegram, Process(telegram, "-m", "bot", env={"TOKEN": telegram.bot.token}):
        anna = telegram.user("Anna")
        await anna.voice(telegram.bot, ogg)
        await telegram.wait(lambda: len(telegram.messages(anna)) == 2)
"""

from tests.mtproto.people import Answer, Chat, File, Message, User
from tests.mtproto.process import Process
from tests.mtproto.world import Call, Fault, World

__all__ = ["Answer", "Call", "Chat", "Fault", "File", "Message", "Process", "User", "World"]
