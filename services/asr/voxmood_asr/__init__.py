"""The speech recognition service: audio in, text with times out, by the OpenAI contract. It knows no sentiment."""
