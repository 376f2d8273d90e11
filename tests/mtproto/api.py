"""The methods of Telegram's API that a bot calls, answered from the world, with Telegram's checks and errors: sign-in,
state, people, groups, commands, files. What is about messages is in messages.py.

A method that is not here is listed in `World.unhandled` and refused.
"""

import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from pyrogram.raw import types

from tests.mtproto import objects
from tests.mtproto.messages import Messages, Refusal, as_object
from tests.mtproto.people import SIGN_IN
from tests.mtproto.session import DROPPED, Session

if TYPE_CHECKING:
    from tests.mtproto.people import Change

MEGABYTE = 1 << 20
UNPRIVILEGED = ("auth.", "help.")  # methods for which nobody needs to be signed in
QUIET = (*UNPRIVILEGED, "upload.")  # methods that do not make a session one that gets updates


class Api(Messages):
    """The API. Its methods have the names of Telegram's, with _ for the dot; each takes a query and answers it."""

    async def answer(self, session: Session, query: Any) -> Any:
        """Answer a call; the next fault that is meant for it strikes."""
        call = self.world.called(query, session.auth.data_centre)
        fault = next((fault for fault in self.world.faults if fault.strikes(call)), None)
        await self.world.changed()
        if fault:
            fault.times -= 1
        try:
            if fault is None or fault.carries_out:
                call.result = self._carry_out(session, call.method, query)
            if fault and fault.code:
                raise Refusal(fault.code, fault.message)
        except Refusal as refusal:
            call.error = str(refusal)
            call.result = types.RpcError(error_code=refusal.code, error_message=refusal.message)
        if fault and fault.cuts:
            call.error = "connection cut"
        await self.world.changed()
        if fault and fault.hold:
            await fault.hold.wait()
        return DROPPED if fault and fault.cuts else call.result

    def _carry_out(self, session: Session, name: str, query: Any) -> Any:
        method = getattr(self, name.replace(".", "_"), None)
        if method is None:
            self.world.unhandled.append(name)
            raise Refusal(400, "METHOD_NOT_SUPPORTED")
        if not (session.auth.signed_in or name.startswith(UNPRIVILEGED)):
            raise Refusal(401, "AUTH_KEY_UNREGISTERED")
        if not name.startswith(QUIET):
            session.subscribed = True
        return method(session, query)

    def help_GetConfig(self, session: Session, query: Any) -> Any:
        """Where the data centres are."""
        return objects.config(self.world, session.auth.data_centre)

    def auth_ImportBotAuthorization(self, session: Session, query: Any) -> Any:
        """A bot signs in with its token."""
        if query.bot_auth_token != self.world.bot.token:
            raise Refusal(400, "ACCESS_TOKEN_INVALID")
        if session.auth.data_centre != SIGN_IN:
            raise Refusal(303, f"USER_MIGRATE_{SIGN_IN}")
        session.auth.signed_in = True
        return types.auth.Authorization(user=objects.user(self.world, self.world.bot))

    def auth_ExportAuthorization(self, session: Session, query: Any) -> Any:
        """The bot takes its sign-in to another data centre; whoever shows these bytes there is the bot."""
        if not session.auth.signed_in:
            raise Refusal(401, "AUTH_KEY_UNREGISTERED")
        exported = types.auth.ExportedAuthorization(id=secrets.randbits(31), bytes=secrets.token_bytes(32))
        self.world.exported.add((exported.id, exported.bytes))
        return exported

    def auth_ImportAuthorization(self, session: Session, query: Any) -> Any:
        """The bot arrives in another data centre."""
        if (query.id, query.bytes) not in self.world.exported:
            raise Refusal(400, "AUTH_BYTES_INVALID")
        self.world.exported.remove((query.id, query.bytes))
        session.auth.signed_in = True
        return types.auth.Authorization(user=objects.user(self.world, self.world.bot))

    def updates_GetState(self, session: Session, query: Any) -> Any:
        """How many changes there have been in private chats and basic groups."""
        return types.updates.State(pts=self.world.box.pts, qts=0, date=int(time.time()), seq=0, unread_count=0)

    def _missed(self, changes: list["Change"]) -> dict[str, list[Any]]:
        """Changes for a client that was away: messages as they are now, deleted ones not at all."""
        changes = [change for change in changes if not change.message.deleted]
        return {
            "new_messages": [objects.message(self.world, change.message) for change in changes if not change.edited],
            "other_updates": [objects.update(self.world, change) for change in changes if change.edited],
            **objects.mentioned(self.world, (change.message for change in changes)),
        }

    def updates_GetDifference(self, session: Session, query: Any) -> Any:
        """What has changed in private chats and basic groups since a count of changes."""
        changes = [change for change in self.world.box.changes if change.pts > query.pts]
        if not changes:
            return types.updates.DifferenceEmpty(date=int(time.time()), seq=0)
        state = self.updates_GetState(session, query)
        return types.updates.Difference(new_encrypted_messages=[], state=state, **self._missed(changes))

    def updates_GetChannelDifference(self, session: Session, query: Any) -> Any:
        """What has changed in a supergroup since a count of changes."""
        box = self._chat(query.channel).box
        changes = [change for change in box.changes if change.pts > query.pts]
        if not changes:
            return types.updates.ChannelDifferenceEmpty(pts=box.pts, final=True, timeout=30)
        return types.updates.ChannelDifference(pts=box.pts, final=True, timeout=30, **self._missed(changes))

    def users_GetUsers(self, session: Session, query: Any) -> Any:
        """People by their ids."""
        return [objects.user(self.world, self._person(peer)) for peer in map(as_object, query.id)]

    def users_GetFullUser(self, session: Session, query: Any) -> Any:
        """A person or the bot itself."""
        person = self._person(query.id)
        full = types.UserFull(
            id=person.id,
            settings=types.PeerSettings(),
            notify_settings=types.PeerNotifySettings(),
            common_chats_count=0,
        )
        return types.users.UserFull(full_user=full, chats=[], users=[objects.user(self.world, person)])

    def messages_GetChats(self, session: Session, query: Any) -> Any:
        """Groups by their ids."""
        peers = [types.InputPeerChat(chat_id=peer) if isinstance(peer, int) else peer for peer in query.id]
        return types.messages.Chats(chats=[objects.chat(self.world, self._chat(peer)) for peer in peers])

    channels_GetChannels = messages_GetChats

    def messages_GetFullChat(self, session: Session, query: Any) -> Any:
        """A basic group with its members, and which of them are admins."""
        chat = self._chat(types.InputPeerChat(chat_id=query.chat_id))
        members = [objects.participant(self.world, chat, person) for person in chat.members]
        full = types.ChatFull(
            id=chat.id,
            about="",
            participants=types.ChatParticipants(chat_id=chat.id, participants=members, version=1),
            notify_settings=types.PeerNotifySettings(),
        )
        users = [objects.user(self.world, person) for person in chat.members]
        return types.messages.ChatFull(full_chat=full, chats=[objects.chat(self.world, chat)], users=users)

    def channels_GetParticipant(self, session: Session, query: Any) -> Any:
        """What someone is in a supergroup."""
        chat, person = self._chat(query.channel), self._person(query.participant)
        if person not in chat.members:
            raise Refusal(400, "USER_NOT_PARTICIPANT")
        users = [objects.user(self.world, member) for member in chat.members]
        return types.channels.ChannelParticipant(
            participant=objects.participant(self.world, chat, person),
            chats=[objects.chat(self.world, chat)],
            users=users,
        )

    @staticmethod
    def _scope(query: Any) -> tuple[str, str]:
        kind = type(query.scope).__name__.removeprefix("BotCommandScope").lower()
        if peer := getattr(query.scope, "peer", None):
            kind += f" {getattr(peer, 'chat_id', None) or getattr(peer, 'channel_id', None) or peer.user_id}"
        return kind, query.lang_code

    def bots_SetBotCommands(self, session: Session, query: Any) -> Any:
        """The bot says which commands people are offered."""
        for command in query.commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command.command):
                raise Refusal(400, "BOT_COMMAND_INVALID")
            if not 1 <= len(command.description) <= 256:
                raise Refusal(400, "BOT_COMMAND_DESCRIPTION_INVALID")
        self.world.commands[self._scope(query)] = [(command.command, command.description) for command in query.commands]
        return True

    def bots_GetBotCommands(self, session: Session, query: Any) -> Any:
        """Which commands people are offered."""
        commands = self.world.commands.get(self._scope(query), [])
        return [types.BotCommand(command=command, description=description) for command, description in commands]

    def bots_ResetBotCommands(self, session: Session, query: Any) -> Any:
        """The bot takes its commands back."""
        return self.world.commands.pop(self._scope(query), None) is not None

    def upload_GetFile(self, session: Session, query: Any) -> Any:
        """A part of a file, from the data centre that has it, for a reference that is still good."""
        file = self.world.files.get(query.location.id)
        if file is None or file.access_hash != query.location.access_hash:
            raise Refusal(400, "FILE_ID_INVALID")
        if query.location.file_reference != objects.reference(self.world, file):
            raise Refusal(400, "FILE_REFERENCE_EXPIRED")
        if file.data_centre != session.auth.data_centre:
            raise Refusal(303, f"FILE_MIGRATE_{file.data_centre}")
        if query.limit % 4096 or not 0 < query.limit <= MEGABYTE or MEGABYTE % query.limit:
            raise Refusal(400, "LIMIT_INVALID")
        if query.offset % 4096 or query.offset // MEGABYTE != (query.offset + query.limit - 1) // MEGABYTE:
            raise Refusal(400, "OFFSET_INVALID")
        part = file.data[query.offset : query.offset + query.limit]
        return types.upload.File(type=types.storage.FilePartial(), mtime=int(time.time()), bytes=part)
