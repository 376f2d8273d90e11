"""Framing of MTProto on TCP: the "abridged" transport, which kurigram's client opens unless it is told otherwise.

Whole packets in, whole packets out; what they mean is session.py's. Other transports (intermediate, full, obfuscated)
are refused.
"""

import asyncio

ABRIDGED = b"\xef"
LONG = 0x7F  # instead of a length: the length follows in three bytes
WORD = 4  # lengths count words


class Transport:
    """One TCP connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def open(self) -> None:
        """Read the byte by which the client names its transport."""
        if (marker := await self._reader.readexactly(1)) != ABRIDGED:
            raise ValueError(f"the client opened a transport other than abridged: {marker!r}")

    async def receive(self) -> bytes:
        """The next packet; IncompleteReadError or ConnectionError when the client has gone."""
        (words,) = await self._reader.readexactly(1)
        if words == LONG:
            words = int.from_bytes(await self._reader.readexactly(3), "little")
        return await self._reader.readexactly(words * WORD)

    async def send(self, packet: bytes) -> None:
        """Send a packet; ConnectionError when the client has gone."""
        words = len(packet) // WORD
        length = bytes([words]) if words < LONG else bytes([LONG]) + words.to_bytes(3, "little")
        self._writer.write(length + packet)
        await self._writer.drain()

    def abort(self) -> None:
        """Cut the connection, as a network does: nothing that waits is sent any more."""
        self._writer.transport.abort()
