"""A service that can be reached or not, at a test's will, while the real one behind it runs on."""

import asyncio
from typing import Self
from urllib.parse import urlsplit

from tools.stack import free_ports


class Relay:
    """A port that leads to a service, and can be closed, or hold back what is asked, while the service runs on."""

    def __init__(self, url: str) -> None:
        self.to = urlsplit(url)
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.free = asyncio.Event()
        self.free.set()
        self.server: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def open(self) -> None:
        """Let callers in."""
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)

    def close(self) -> None:
        """Refuse callers, and hang up on those who are in."""
        if self.server:
            self.server.close()
        for task in self.tasks:
            task.cancel()

    def hold(self) -> None:
        """Take what is asked and pass nothing on, until `release`."""
        self.free.clear()

    def release(self) -> None:
        """Pass on again."""
        self.free.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller."""
        upstream, downstream = await asyncio.open_connection(self.to.hostname, self.to.port)
        self.tasks |= {
            asyncio.create_task(self.carry(reader, downstream)),
            asyncio.create_task(self.carry(upstream, writer)),
        }

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction of a connection."""
        try:
            while data := await reader.read(65536):
                await self.free.wait()
                writer.write(data)
        finally:
            writer.close()
