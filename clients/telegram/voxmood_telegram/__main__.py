"""Run the Telegram bot: `python -m voxmood_telegram`."""

from voxmood_service import read_settings, serve
from voxmood_telegram.app import create_app
from voxmood_telegram.settings import Settings

settings = read_settings(Settings)
app, loading = create_app(settings)
serve(app, loading, settings, name="voxmood-telegram", port=settings.telegram_port)
