"""The sentiment service: texts in, negative | neutral | positive out. It knows nothing of audio."""

import os

# ONNX Runtime reports its use to its maker unless told not to before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
