"""The mood of a voice message: audio or text in, an analysis out.

async with Analyzer() as analyzer:
    analysis = await analyzer.analyze_audio(Path("message.ogg").read_bytes())
print(analysis.verdict, analysis.transcript)
"""

from voxmood.client import Analyzer, GatewayClient
from voxmood.errors import BadAnswer, Busy, InvalidInput, TimedOut, Unauthorized, Unavailable, VoxmoodError
from voxmood.hearing import Heard
from voxmood.models import Analysis, Job, Label, Models, Progress, Scores, Sentence, Timings, Turn, WordWeight
from voxmood.sentences import clock

__all__ = [
    "Analysis",
    "Analyzer",
    "BadAnswer",
    "Busy",
    "GatewayClient",
    "Heard",
    "InvalidInput",
    "Job",
    "Label",
    "Models",
    "Progress",
    "Scores",
    "Sentence",
    "TimedOut",
    "Timings",
    "Turn",
    "Unauthorized",
    "Unavailable",
    "VoxmoodError",
    "WordWeight",
    "clock",
]
