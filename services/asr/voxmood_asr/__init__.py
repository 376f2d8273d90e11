"""The speech recognition service: audio in, text with times out, by the OpenAI contract. It knows no sentiment."""

import os

# ONNX Runtime reports its use to its maker unless told not to before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
