"""The bot's SQLite file: which messages are to be answered, each chat's settings and counts, moods of known recordings.

No content and no names, but for transcripts of known recordings where the operator has chosen to keep those. Not done
here: what the rows mean, see inbox.py, chats.py and memory.py.
"""

import logging
import signal
import sqlite3
from pathlib import Path

logger = logging.getLogger("voxmood.telegram")

# Times are seconds since the epoch.
SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
    chat INTEGER NOT NULL,
    message INTEGER NOT NULL,
    asked INTEGER,                  -- the /mood for it, if there was one
    sent REAL NOT NULL,             -- when the message, or the /mood for it, was sent
    state TEXT NOT NULL,            -- waiting, or the outcome
    reply INTEGER,                  -- our message below it
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (chat, message)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON inbox (chat) WHERE state = 'waiting';

CREATE TABLE IF NOT EXISTS chats (
    chat INTEGER NOT NULL,
    setting TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (chat, setting)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS counts (
    chat INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (chat, outcome)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS recordings (
    recording TEXT PRIMARY KEY,     -- Telegram's file_unique_id
    analysis TEXT NOT NULL,         -- JSON
    expires REAL NOT NULL
) WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open or make the file. Each statement is a transaction of its own unless `with connection` joins several.

    WAL, so that a killed process loses nothing that was committed and readers never wait. Raises sqlite3.Error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA secure_delete = ON")  # what has expired is not left in free pages
    connection.executescript(SCHEMA)
    return connection


def give_in(error: sqlite3.Error) -> None:
    """End the process: what cannot be written down cannot be promised.

    Nothing is lost by it. What has arrived is not committed (see session.py), so it comes again to the next process.
    """
    logger.critical("cannot write to VOXMOOD_TELEGRAM_DIR (%s): is the disk full? Ending", error)
    signal.raise_signal(signal.SIGTERM)
