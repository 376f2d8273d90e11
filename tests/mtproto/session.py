"""Sessions of MTProto 2.0 as Telegram's servers keep them: salts, message numbers, containers, gzip, acknowledgements,
resending, pings.

What a query means is not known here: every query of the API goes to the function that `Server` is given. Not here:
CDN, HTTP, checks of the client's sequence numbers and clock, queries that are sent twice under one number.
"""

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pyrogram.raw import functions, types
from pyrogram.raw.core import Bool, GzipPacked, Int, Long, Message, MsgContainer, TLObject, Vector

from tests.mtproto.keys import AuthKey, KeyExchange, server_key
from tests.mtproto.transport import Transport

log = logging.getLogger(__name__)

GZIP_OVER = 2048  # bytes
DROPPED = object()  # instead of an answer: the connection is cut, and the answer is lost for good


@dataclass(eq=False)
class Session:
    """One run of a client with its key. It outlives connections; what was sent and not acknowledged waits here."""

    auth: AuthKey
    id: bytes
    transport: Transport | None = None
    subscribed: bool = False  # it gets updates; which call makes it so is for the API to say
    content_sent: int = 0
    greeting: list[Message] = field(default_factory=list)  # goes out with the next message, in one container
    unacknowledged: dict[int, Message] = field(default_factory=dict)


class _Encoded:
    """A vector or a boolean, which the client's codec has only as bytes."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def write(self) -> bytes:
        return bytes(self._encoded)


def _result(answer: Any) -> Any:
    if isinstance(answer, bool):
        return _Encoded(Bool(answer))
    if isinstance(answer, list):
        return _Encoded(Vector(answer))
    packed = not isinstance(answer, types.upload.File) and len(answer.write()) > GZIP_OVER
    return GzipPacked(answer) if packed else answer


class Server:
    """The data centres, each on its own free port of 127.0.0.1, and the sessions of their clients."""

    def __init__(self, data_centres: tuple[int, ...], answer: Callable[[Session, Any], Awaitable[Any]]) -> None:
        self.ports = dict.fromkeys(data_centres, 0)
        self.refuse = False  # True: new connections are cut at once
        self.errors: list[BaseException] = []  # what went wrong here, which no client should have caused
        self._answer = answer
        self._salt = secrets.randbits(62)
        self._last_id = 0
        self._auth_keys: dict[bytes, AuthKey] = {}
        self._sessions: dict[tuple[bytes, bytes], Session] = {}
        self._transports: set[Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen."""
        for data_centre in self.ports:
            accept = functools.partial(self._accept, data_centre)
            listener = await asyncio.start_server(accept, "127.0.0.1")
            self._listeners.append(listener)
            self.ports[data_centre] = listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut everything and wait until it is gone."""
        for listener in self._listeners:
            listener.close()
        self.drop_connections()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_connections(self) -> None:
        """Cut every connection; the sessions stay."""
        for transport in self._transports:
            transport.abort()

    def forget_sessions(self) -> None:
        """Forget all sessions and what waited for them; the keys stay. A client is told so by new_session_created."""
        self._sessions.clear()

    async def push(self, update: Any) -> None:
        """Send an update to every subscribed session; where no connection is now, it waits for the next one."""
        for session in [*self._sessions.values()]:
            if session.auth.signed_in and session.subscribed:
                await self._send(session, update)

    def _accept(self, data_centre: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._run(self._serve(data_centre, Transport(reader, writer), writer))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("in the loopback Telegram", exc_info=error)
            self.errors.append(error)

    async def _serve(self, data_centre: int, transport: Transport, writer: asyncio.StreamWriter) -> None:
        exchange = KeyExchange(server_key())
        self._transports.add(transport)
        try:
            if self.refuse:
                return
            await transport.open()
            while True:
                packet = await transport.receive()
                if packet[:8] == bytes(8):
                    answer = exchange.answer(TLObject.read(BytesIO(packet[20:]))).write()
                    if exchange.secret:
                        key = AuthKey(exchange.secret, data_centre)
                        self._auth_keys[key.id] = key
                    await transport.send(bytes(8) + Long(self._message_id(1)) + Int(len(answer)) + answer)
                else:
                    await self._packet(data_centre, transport, packet)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone, or a test cut it off
        finally:
            self._transports.discard(transport)
            for session in self._sessions.values():
                if session.transport is transport:
                    session.transport = None
            transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _packet(self, data_centre: int, transport: Transport, packet: bytes) -> None:
        key = self._auth_keys.get(packet[:8])
        if key is None or key.data_centre != data_centre:
            return await transport.send(Int(-404))
        plain = key.unseal(packet)
        salt, session_id = int.from_bytes(plain[:8], "little", signed=True), plain[8:16]
        message = Message.read(BytesIO(plain[16:]))
        session = self._sessions.setdefault((key.id, session_id), Session(key, session_id))
        returned, session.transport = session.transport is not transport, transport
        if salt != self._salt:
            wrong = types.BadServerSalt(
                bad_msg_id=message.msg_id, bad_msg_seqno=message.seq_no, error_code=48, new_server_salt=self._salt
            )
            return await self._send(session, wrong, content=False)
        if returned:
            session.greeting.clear()  # it is among what waits
            for waiting in [*session.unacknowledged.values()]:
                await self._write(session, waiting)
        if not session.content_sent:
            born = types.NewSessionCreated(
                first_msg_id=message.msg_id, unique_id=secrets.randbits(62), server_salt=self._salt
            )
            session.greeting.append(self._message(session, born))
        for part in message.body.messages if isinstance(message.body, MsgContainer) else [message]:
            await self._receive(session, part)

    async def _receive(self, session: Session, message: Message) -> None:
        body: Any = message.body
        if isinstance(body, types.MsgsAck):
            for number in body.msg_ids:
                session.unacknowledged.pop(number, None)
        elif isinstance(body, functions.Ping | functions.PingDelayDisconnect):
            pong = types.Pong(msg_id=message.msg_id, ping_id=body.ping_id)
            await self._send(session, pong, kind=1, content=False)
        else:
            self._run(self._reply(session, message.msg_id, body))

    async def _reply(self, session: Session, number: int, query: Any) -> None:
        while isinstance(query, functions.InvokeWithLayer | functions.InitConnection):
            query = query.query
        answer = await self._answer(session, query)
        if answer is not DROPPED:
            await self._send(session, types.RpcResult(req_msg_id=number, result=_result(answer)), kind=1)
        elif session.transport:
            session.transport.abort()

    async def _send(self, session: Session, body: Any, *, kind: int = 3, content: bool = True) -> None:
        await self._write(session, self._message(session, body, kind, content))

    def _message(self, session: Session, body: Any, kind: int = 3, content: bool = True) -> Message:
        """A message with its number; one with content waits in the session until the client acknowledges it."""
        message = Message(body, self._message_id(kind), session.content_sent * 2 + content, len(body.write()))
        if content:
            session.content_sent += 1
            session.unacknowledged[message.msg_id] = message
        return message

    def _message_id(self, kind: int) -> int:
        """The time, ever growing; its last two bits are 1 in an answer, 3 in anything else."""
        self._last_id = max(int(time.time() * 2**32) & ~3, self._last_id + 4)
        return self._last_id | kind

    async def _write(self, session: Session, message: Message) -> None:
        if session.transport is None:
            return
        if session.greeting:
            body = MsgContainer([*session.greeting, message])
            session.greeting.clear()
            message = Message(body, self._message_id(3), session.content_sent * 2, len(body.write()))
        with suppress(ConnectionError):  # an unacknowledged message is sent again on the next connection
            await session.transport.send(session.auth.seal(Long(self._salt) + session.id + message.write()))
