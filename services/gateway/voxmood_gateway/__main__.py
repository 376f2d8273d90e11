"""Run the gateway: `python -m voxmood_gateway`."""

from voxmood_gateway.app import create_app
from voxmood_gateway.settings import Settings
from voxmood_service import read_settings, serve

settings = read_settings(Settings)
app, loading = create_app(settings)
serve(app, loading, settings, name="voxmood-gateway", port=settings.gateway_port)
