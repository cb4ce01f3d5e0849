"""A real Prometheus asked for a range of what it scraped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from api import bootstrap
from api.outgoing import range_clients
from api.probe_settings import PrometheusSettings
from ingest.prometheus_query import QueryFailed, RangeClient, Ranged
from tests.real.components import Child, Exporter, eventually, free_port

pytestmark = pytest.mark.real("prometheus")

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: cart, metrics_path: /cart, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeClient]:
    folder: Path = tmp_path_factory.mktemp("ranged")
    program = shutil.which("prometheus")
    assert program is not None
    with ExitStack() as stack:
        exporter = Exporter(("cart",))
        stack.callback(exporter.stop)
        (folder / "prometheus.yml").write_text(CONFIG.format(port=exporter.port), encoding="utf-8")
        port = free_port()
        command = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        child = Child(command, f"http://127.0.0.1:{port}/-/ready", folder / "log")
        stack.callback(child.stop)
        declared = PrometheusSettings(name="prom", url=f"http://127.0.0.1:{port}", allow_private=True)
        yield range_clients((declared,), stack)["prom"]


_now = bootstrap.now


def _samples(client: RangeClient) -> Ranged | None:
    now = _now()
    found = client.range("error_ratio", now - 60_000, now, 1000)
    return found if found.series and len(found.series[0].times) >= 3 else None


def test_what_was_scraped_comes_as_an_array(prometheus: RangeClient) -> None:
    found = eventually(lambda: _samples(prometheus), "three samples")
    assert found is not None
    (series,) = found.series
    assert series.labels.as_dict()["job"] == "cart"
    assert set(series.values.tolist()) == {0.0}
    assert (found.partial, found.left_out) == ((), 0)


def test_a_range_of_more_points_than_it_gives_at_once_comes_whole(prometheus: RangeClient) -> None:
    now = _now()
    found = prometheus.range("vector(1)", now - 25_000_000, now, 1000)
    assert len(found.series[0].times) == 25_001
    assert {int(step) for step in found.series[0].times[1:] - found.series[0].times[:-1]} == {1000}


def test_what_is_not_there_and_what_is_no_expression(prometheus: RangeClient) -> None:
    now = _now()
    assert prometheus.range("no_such_metric", now - 60_000, now, 1000).series == ()
    with pytest.raises(QueryFailed, match=r"refuses the query: bad_data: .*parse error"):
        prometheus.range("rate(", now - 60_000, now, 1000)
    assert prometheus.range("vector(1) / 0 * 0", now - 1000, now, 1000).left_out == 2
