"""A program under test as a process of its own: `python -m module` with the real interpreter, real signals, and what
it prints. Only its surroundings are ours: site/sitecustomize.py shows it the way to the loopback Telegram."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.mtproto.world import World

SITE = Path(__file__).with_name("site")


class Process:
    """`async with Process(telegram, "-m", "module", env={...}) as process` starts it and in the end kills it.

    `env` is added to this process's environment; None takes a variable away. `lines` is what it has printed so far,
    on both streams.
    """

    def __init__(self, telegram: World, *arguments: str, env: Mapping[str, str | None] | None = None) -> None:
        path = os.pathsep.join(filter(None, [str(SITE), os.environ.get("PYTHONPATH")]))
        given = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **telegram.environment, **(env or {})}
        self._env = {name: value for name, value in given.items() if value is not None}
        self._arguments = arguments
        self._condition = asyncio.Condition()
        self._ended = False
        self.lines: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def output(self) -> str:
        """All that it has printed."""
        return "\n".join(self.lines)

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            async with self._condition:
                self.lines.append(line.decode(errors="replace").rstrip())
                self._condition.notify_all()
        async with self._condition:
            self._ended = True
            self._condition.notify_all()

    async def line(self, text: str, *, within: float = 60, since: int = 0) -> str:
        """The first line with this text, of those from number `since` on; AssertionError if it ends without one."""

        def found() -> str | bool:
            return next((line for line in self.lines[since:] if text in line), self._ended)

        try:
            async with self._condition:
                line = await asyncio.wait_for(self._condition.wait_for(found), within)
        except TimeoutError:
            line = False
        assert isinstance(line, str), f"no line with {text!r} in {within} s:\n{self.output}"
        return line

    async def ended(self, *, within: float = 30) -> None:
        """Wait until it has ended by itself. Raises TimeoutError."""
        async with self._condition:
            await asyncio.wait_for(self._condition.wait_for(lambda: self._ended), within)

    async def stop(self, how: signal.Signals = signal.SIGTERM, *, within: float = 30) -> int:
        """Send a signal and wait for the end; the return code. AssertionError if it goes on for longer."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, how)  # asyncio's own send_signal can take the return code from its watcher
        try:
            await asyncio.wait_for(asyncio.shield(self._reader), within)
        except TimeoutError:
            os.kill(self._process.pid, signal.SIGKILL)
            await self._reader
            raise AssertionError(f"it went on for {within} s after {how.name}:\n{self.output}") from None
        return await self._process.wait()
