"""Run the sentiment service: `python -m voxmood_sentiment`."""

from voxmood_sentiment.app import create_app
from voxmood_sentiment.settings import Settings
from voxmood_service import read_settings, serve

settings = read_settings(Settings)
app, loading = create_app(settings)
serve(app, loading, settings, name="voxmood-sentiment", port=settings.sentiment_port)
