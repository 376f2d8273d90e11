"""What every Voxmood service has: problem details, limits, health, metrics, logs. It knows no service."""

from voxmood_service.app import Loading, service_app
from voxmood_service.events import event, event_stream
from voxmood_service.integrity import check_sums, write_sums
from voxmood_service.problems import CODE, Busy, NotReady, ServiceError, Table, documented, problem
from voxmood_service.queue import Turns, unless_hung_up
from voxmood_service.server import serve
from voxmood_service.settings import ServiceSettings, UpstreamSettings, read_settings
from voxmood_service.stages import Stages, span

__all__ = [
    "CODE",
    "Busy",
    "Loading",
    "NotReady",
    "ServiceError",
    "ServiceSettings",
    "Stages",
    "Table",
    "Turns",
    "UpstreamSettings",
    "check_sums",
    "documented",
    "event",
    "event_stream",
    "problem",
    "read_settings",
    "serve",
    "service_app",
    "span",
    "unless_hung_up",
    "write_sums",
]
