"""Moods of recordings that were heard before, so that a forwarded one is answered at once. They expire.

The transcript is kept only where the operator has chosen so. Not done here: how a known recording is answered.
"""

import sqlite3
import time

from voxmood import Analysis


class Memory:
    """The rows, each for `hours`; 0 remembers nothing."""

    def __init__(self, connection: sqlite3.Connection, hours: float, *, transcripts: bool) -> None:
        self.connection = connection
        self.hours = hours
        self.transcripts = transcripts

    def recall(self, recording: str) -> Analysis | None:
        """The analysis of a recording that was heard before; without transcript where none is kept."""
        row = self.connection.execute(
            "SELECT analysis FROM recordings WHERE recording = ? AND expires > ?", (recording, time.time())
        ).fetchone()
        return Analysis.model_validate_json(row[0]) if row else None

    def keep(self, recording: str, analysis: Analysis) -> None:
        """Remember an analysis: of its words, where those are not wanted, only moods and times are left."""
        if not self.hours:
            return
        if not self.transcripts:
            wordless = [s.model_copy(update={"text": "", "words": None}) for s in analysis.sentences]
            analysis = analysis.model_copy(update={"transcript": "", "sentences": wordless})
        with self.connection:
            self.connection.execute(
                "REPLACE INTO recordings VALUES (?, ?, ?)",
                (recording, analysis.model_dump_json(), time.time() + 3600 * self.hours),
            )

    def forget(self) -> None:
        """Delete what has expired."""
        with self.connection:
            self.connection.execute("DELETE FROM recordings WHERE expires <= ?", (time.time(),))
