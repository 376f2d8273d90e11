"""The settings of the Telegram bot."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from voxmood_service import UpstreamSettings


class Settings(UpstreamSettings):
    """Environment variables prefixed VOXMOOD_, but for the three that Telegram itself gives out."""

    api_id: int = Field(validation_alias="TELEGRAM_API_ID", description="number of the app, from my.telegram.org")
    api_hash: SecretStr = Field(validation_alias="TELEGRAM_API_HASH", description="secret of the app, from there too")
    bot_token: SecretStr = Field(validation_alias="TELEGRAM_BOT_TOKEN", description="token of the bot, from @BotFather")

    telegram_port: int = Field(8003, description="port of the bot's /livez, /readyz and /metrics")
    telegram_dir: Path = Field(Path("telegram"), description="folder of the bot's session and inbox; keep it")
    telegram_chats: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="numbers of the chats it answers in, with commas; empty: all"
    )
    telegram_parallel: int = Field(4, gt=0, description="messages it works on at a time")
    telegram_parallel_chat: int = Field(2, gt=0, description="of one chat")
    telegram_attempts: int = Field(12, gt=0, description="attempts while services are down, some 8 minutes")
    telegram_too_late: float = Field(3600, gt=0, description="seconds after which a message is not answered any more")
    telegram_memory: float = Field(24, ge=0, description="hours for which the mood of a recording is remembered")
    telegram_memory_transcripts: bool = Field(False, description="whether its transcript is remembered with it")

    @field_validator("telegram_chats", mode="before")
    @classmethod
    def split_numbers(cls, value: object) -> object:
        """Let VOXMOOD_TELEGRAM_CHATS=1,-100 be written without brackets."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
