"""The world as TL objects, the way the bot sees it. Nothing is decided or changed here."""

import inspect
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pyrogram.raw import types

if TYPE_CHECKING:
    from tests.mtproto.people import Change, Chat, File, Message, User
    from tests.mtproto.world import World


def user(world: "World", person: "User") -> types.User:
    """A person or the bot. Bots are told the language of people."""
    is_bot = person is world.bot
    return types.User(
        id=person.id,
        is_self=is_bot or None,
        bot=is_bot or None,
        bot_info_version=1 if is_bot else None,
        access_hash=person.access_hash,
        first_name=person.name,
        username=person.username,
        lang_code=person.language,
    )


def chat(world: "World", chat: "Chat") -> Any:
    """A group or a supergroup; after the bot was removed, what is left of it for the bot."""
    photo, now = types.ChatPhotoEmpty(), int(time.time())
    gone, count = world.bot not in chat.members, len(chat.members)
    if chat.kind == "group":
        return types.Chat(
            id=chat.id, title=chat.title, photo=photo, participants_count=count, date=now, version=1, left=gone or None
        )
    if gone:
        return types.ChannelForbidden(id=chat.id, access_hash=chat.access_hash, title=chat.title, megagroup=True)
    return types.Channel(
        id=chat.id,
        title=chat.title,
        photo=photo,
        date=now,
        megagroup=True,
        access_hash=chat.access_hash,
        participants_count=count,
    )


def peer(chat: "Chat") -> Any:
    """The name of a chat in other objects."""
    if chat.kind == "private":
        return types.PeerUser(user_id=chat.id)
    return types.PeerChat(chat_id=chat.id) if chat.kind == "group" else types.PeerChannel(channel_id=chat.id)


def reference(world: "World", file: "File") -> bytes:
    """What a download has to show; another one after references have expired."""
    return world.references.to_bytes(4, "big") + file.id.to_bytes(8, "big")


def media(world: "World", file: "File") -> types.MessageMediaDocument:
    """A file in a message."""
    attributes: list[Any] = [types.DocumentAttributeFilename(file_name=file.name)] if file.name else []
    if file.kind in ("voice", "audio"):
        voice = file.kind == "voice" or None
        attributes.append(types.DocumentAttributeAudio(duration=file.duration, voice=voice, title=file.name))
    elif file.kind == "video_note":
        attributes.append(types.DocumentAttributeVideo(duration=file.duration, w=384, h=384, round_message=True))
    document = types.Document(
        id=file.id,
        access_hash=file.access_hash,
        file_reference=reference(world, file),
        date=int(time.time()),
        mime_type=file.mime,
        size=len(file.data),
        dc_id=file.data_centre,
        attributes=attributes,
    )
    return types.MessageMediaDocument(
        document=document, voice=file.kind == "voice" or None, round=file.kind == "video_note" or None
    )


def message(world: "World", message: "Message") -> Any:
    """A message as it is now."""
    out = message.sender is world.bot
    common = {
        "id": message.id,
        "peer_id": peer(message.chat),
        "date": message.date,
        "out": out or None,
        # who wrote to a private chat goes without saying
        "from_id": types.PeerUser(user_id=message.sender.id) if out or message.chat.kind != "private" else None,
        "reply_to": types.MessageReplyHeader(reply_to_msg_id=message.reply_to.id) if message.reply_to else None,
    }
    if message.action:
        return types.MessageService(action=message.action, **common)
    first = message.forwarded_from
    return types.Message(
        message=message.text,
        media=media(world, message.file) if message.file else None,
        entities=message.entities or None,
        reply_markup=message.markup,
        edit_date=int(time.time()) if message.edits else None,
        fwd_from=types.MessageFwdHeader(from_id=types.PeerUser(user_id=first.id), date=message.date) if first else None,
        **common,
    )


def mentioned(world: "World", messages: "Iterable[Message]", chats: "Iterable[Chat]" = ()) -> dict[str, list[Any]]:
    """The people and groups that objects about these messages name, as every answer has to bring them along."""
    messages = [*messages]
    everyone = [world.bot, *(message.sender for message in messages)]
    everyone += [message.forwarded_from for message in messages if message.forwarded_from]
    everyone += [world.users[message.chat.id] for message in messages if message.chat.kind == "private"]
    groups = [*chats, *(message.chat for message in messages if message.chat.kind != "private")]
    return {
        "users": [user(world, person) for person in dict.fromkeys(everyone)],
        "chats": [chat(world, group) for group in dict.fromkeys(groups)],
    }


def update(world: "World", change: "Change") -> Any:
    """A new or edited message, as an update."""
    of_channel = change.message.chat.kind == "supergroup"
    if change.edited:
        kind: Any = types.UpdateEditChannelMessage if of_channel else types.UpdateEditMessage
    else:
        kind = types.UpdateNewChannelMessage if of_channel else types.UpdateNewMessage
    return kind(message=message(world, change.message), pts=change.pts, pts_count=1)


def updates(world: "World", changes: "Sequence[Change]", *, first: Sequence[Any] = ()) -> types.Updates:
    """Changes with all that they name; other updates may come `first`."""
    return types.Updates(
        updates=[*first, *(update(world, change) for change in changes)],
        date=int(time.time()),
        seq=0,
        **mentioned(world, (change.message for change in changes)),
    )


def pressed(world: "World", person: "User", message: "Message", query: int, data: bytes) -> types.Updates:
    """A person has pressed a button."""
    press = types.UpdateBotCallbackQuery(
        query_id=query,
        user_id=person.id,
        peer=peer(message.chat),
        msg_id=message.id,
        chat_instance=message.chat.access_hash,
        data=data,
    )
    about = mentioned(world, [message])
    about["users"].append(user(world, person))
    return types.Updates(updates=[press], date=int(time.time()), seq=0, **about)


def participant(world: "World", chat: "Chat", person: "User") -> Any:
    """What someone is in a group: its maker, an admin or a member."""
    ids, joined = {"user_id": person.id}, {"date": int(time.time())}
    maker = next((admin for admin in chat.admins if admin is not world.bot), chat.members[0])
    rights = types.ChatAdminRights(delete_messages=True, ban_users=True, pin_messages=True, other=True)
    if chat.kind == "group":
        if person is maker:
            return types.ChatParticipantCreator(**ids)
        kind: Any = types.ChatParticipantAdmin if person in chat.admins else types.ChatParticipant
        return kind(inviter_id=maker.id, **ids, **joined)
    if person is maker:
        return types.ChannelParticipantCreator(admin_rights=rights, **ids)
    if person in chat.admins:
        return types.ChannelParticipantAdmin(promoted_by=maker.id, admin_rights=rights, **ids, **joined)
    return types.ChannelParticipant(**ids, **joined)


def membership(world: "World", chat: "Chat", by: "User", *, before: Any, after: Any) -> types.Updates:
    """Someone has taken the bot into a group or out of it."""
    common = {
        "date": int(time.time()),
        "actor_id": by.id,
        "user_id": world.bot.id,
        "prev_participant": before,
        "new_participant": after,
        "qts": 1,
    }
    if chat.kind == "group":
        moved: Any = types.UpdateChatParticipant(chat_id=chat.id, **common)
    else:
        moved = types.UpdateChannelParticipant(channel_id=chat.id, **common)
    about = mentioned(world, [], [chat])
    about["users"] += [user(world, person) for person in chat.members if person is not world.bot]
    return types.Updates(updates=[moved], date=int(time.time()), seq=0, **about)


def config(world: "World", data_centre: int) -> types.Config:
    """Where the data centres are; the many numbers that no bot reads are zero."""
    known: dict[str, Any] = {
        "date": int(time.time()),
        "expires": int(time.time()) + 3600,
        "test_mode": False,
        "this_dc": data_centre,
        "dc_options": [
            types.DcOption(id=centre, ip_address="127.0.0.1", port=port) for centre, port in world.server.ports.items()
        ],
        "dc_txt_domain_name": "",
        "me_url_prefix": "https://t.me/",
    }
    fields = inspect.signature(types.Config).parameters.values()
    needed = [field.name for field in fields if field.default is inspect.Parameter.empty]
    return types.Config(**dict.fromkeys(needed, 0) | known)
