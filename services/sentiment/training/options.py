"""The settings of a command, read from its arguments into a frozen dataclass."""

from typing import TypeVar

from transformers import HfArgumentParser

T = TypeVar("T")


def options(kind: type[T]) -> T:
    """Read `--name value` for each field of a dataclass; fields without a default must be given."""
    parser = HfArgumentParser(kind)  # type: ignore[arg-type]  # its annotation names no type that exists
    settings: T
    (settings,) = parser.parse_args_into_dataclasses()
    return settings
