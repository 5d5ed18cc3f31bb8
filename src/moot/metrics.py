"""Figures of this process in Prometheus' format; no name, id or address is ever a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from moot.media.stats import Figure

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class _Figures(Collector):
    """Figures that something else keeps."""

    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for figure in self._read():
            family = families.get(figure.name)
            if family is None:
                names = [name for name, _ in figure.labels]
                family = GaugeMetricFamily(f"moot_{figure.name}", figure.sentence, labels=names)
                families[figure.name] = family
            if figure.value is not None:
                family.add_metric([value for _, value in figure.labels], figure.value)
        return families.values()


class Metrics:
    """Everything that one process counts, in a registry of its own."""

    def __init__(self, version: str) -> None:
        registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._registry = registry
        build = Gauge(
            "moot_build_info", "1, labelled with the version.", ["version"], registry=registry
        )
        build.labels(version).set(1)
        self._requests = Counter(
            "moot_http_requests", "Answered requests.", ["operation", "status"], registry=registry
        )
        self._seconds = Histogram(
            "moot_http_request_seconds",
            "From the request's headers to the end of its answer.",
            ["operation"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._closes = Counter(
            "moot_stream_closes", "Event streams closed by the server.", ["code"], registry=registry
        )
        self._sent = Counter(
            "moot_stream_messages", "Messages written to event streams.", registry=registry
        )
        self._restarts = Counter(
            "moot_task_restarts", "Background tasks that failed.", ["task"], registry=registry
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def gauge(self, name: str, told: str, read: Callable[[], float]) -> None:
        """Add a figure that is read when somebody asks for it."""
        Gauge(f"moot_{name}", told, registry=self._registry).set_function(read)

    def collect(self, read: Callable[[], Iterable[Figure]]) -> None:
        """Add figures that are read together when somebody asks for them."""
        self._registry.register(_Figures(read))

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count one answer."""
        key = (operation, status)
        children = self._children.get(key)
        if children is None:
            children = (
                self._requests.labels(operation, str(status)),
                self._seconds.labels(operation),
            )
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def count_close(self, code: int) -> None:
        """Count an event stream that the server closed."""
        self._closes.labels(str(code)).inc()

    def count_sent(self, messages: int) -> None:
        """Count messages written to event streams."""
        self._sent.inc(messages)

    def count_restart(self, task: str) -> None:
        """Count a background task that failed and was started again."""
        self._restarts.labels(task).inc()

    def exposition(self) -> bytes:
        """Render every figure."""
        return generate_latest(self._registry)
