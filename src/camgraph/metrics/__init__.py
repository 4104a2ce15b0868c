"""The numbers of a running site for Prometheus: ``serve(site, 9464)``. Extra ``metrics``."""

from camgraph.base.errors import MissingDependency

try:
    import prometheus_client
except ImportError as error:
    raise MissingDependency(
        'camgraph.metrics needs prometheus-client: pip install "camgraph[metrics]"'
    ) from error
del prometheus_client

from camgraph.metrics.collector import SiteCollector  # noqa: E402
from camgraph.metrics.server import MetricsServer, serve  # noqa: E402

__all__ = ["MetricsServer", "SiteCollector", "serve"]
