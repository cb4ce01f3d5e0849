"""Ranges from a Prometheus that is long, busy, broken, or none: always samples, or a reason; never silently nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs

import pytest

from api.outgoing import range_clients
from api.probe_settings import PrometheusSettings
from ingest.prometheus_query import MOST_POINTS, Fetched, QueryFailed, RangeClient
from tests.publish.receiver import Handler, Receiver, drip, hang_up, receiver, status

MINUTE = 60_000


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


def client(server: Receiver, **more: Any) -> RangeClient:
    settings = PrometheusSettings(name="prom", url=server.url, **{"allow_private": True, "timeout": 3, **more})
    return range_clients((settings,), ExitStack())["prom"]


def matrix(*rows: tuple[dict[str, str], list[tuple[float, str]]], **more: object) -> bytes:
    result = [{"metric": labels, "values": values} for labels, values in rows]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more}).encode()


def failure(server: Receiver, **more: Any) -> str:
    with pytest.raises(QueryFailed) as failed:
        client(server, **more).range("up", 0, MINUTE, 15_000)
    return str(failed.value)


def test_samples_come_as_arrays_in_milliseconds(server: Receiver) -> None:
    server.behave = status(200, matrix(({"job": "b"}, [(1.5, "2"), (0, "1e3")]), ({"job": "a"}, [(0, "-0.5")])))
    found = client(server).range('rate(x{job="a"}[5m])', 0, MINUTE, 15_000)
    assert [one.labels.as_dict() for one in found.series] == [{"job": "a"}, {"job": "b"}]
    assert found.series[1].times.tolist() == [0, 1500]
    assert found.series[1].values.tolist() == [1000.0, 2.0]
    assert (found.partial, found.left_out) == ((), 0)
    assert parse_qs(server.got[0].body.decode()) == {
        "query": ['rate(x{job="a"}[5m])'],
        "start": ["0.000"],
        "end": ["60.000"],
        "step": ["15.000"],
    }
    assert server.got[0].path.endswith("/hook/api/v1/query_range")


def test_a_long_range_is_asked_for_in_pieces_that_do_not_overlap(server: Receiver) -> None:
    asked: list[tuple[int, int]] = []

    def behave(handler: Handler) -> None:
        form = parse_qs(server.got[-1].body.decode())
        start, end = (round(float(form[key][0])) for key in ("start", "end"))
        asked.append((start, end))
        handler.answer(200, matrix(({}, [(at, "1") for at in range(start, end + 1)])))

    server.behave = behave
    last = 2 * MOST_POINTS + 499
    found = client(server).range("up", 0, last * 1000, 1000)
    assert asked == [(0, 10_999), (11_000, 21_999), (22_000, last)]
    assert found.series[0].times.tolist() == [at * 1000 for at in range(last + 1)]


def test_a_piece_that_is_missing_is_said_and_the_others_are_kept(server: Receiver) -> None:
    def behave(handler: Handler) -> None:
        if len(server.got) == 2:
            handler.answer(503, json.dumps({"status": "error", "errorType": "timeout", "error": "too slow"}).encode())
        else:
            handler.answer(200, matrix(({}, [(len(server.got), "1")])))

    server.behave = behave
    found = client(server).range("up", 0, 3 * MOST_POINTS * 1000 - 1000, 1000)
    assert len(found.series[0].times) == 2
    (said,) = found.partial
    assert said == "11000000–21999000 is missing: prom is too busy or too slow for the query: timeout: too slow"


def test_no_series_is_an_answer_but_warnings_are_passed_on(server: Receiver) -> None:
    server.behave = status(200, matrix(warnings=["results truncated\x1b[31m due to limit"]))
    found = client(server).range("up", 0, MINUTE, 15_000)
    assert (found.series, found.partial) == ((), ("prom warns: results truncated [31m due to limit",))


def test_values_that_are_no_numbers_are_left_out_and_counted(server: Receiver) -> None:
    server.behave = status(200, matrix(({}, [(0, "NaN"), (1, "+Inf"), (2, "3"), (3, "-Inf"), (4, "many")])))
    found = client(server).range("up", 0, MINUTE, 15_000)
    assert (found.series[0].values.tolist(), found.left_out) == ([3.0], 4)


def test_native_histograms_are_said_to_be_left_out(server: Receiver) -> None:
    row = {"metric": {}, "histograms": [[0, {"count": "1", "sum": "2"}]]}
    server.behave = status(
        200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [row]}}).encode()
    )
    assert "native histograms" in client(server).range("up", 0, MINUTE, 15_000).partial[0]


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (
            422,
            b'{"status":"error","errorType":"execution","error":"too many samples"}',
            "cannot evaluate the query: exec",
        ),
        (400, b'{"status":"error","errorType":"bad_data","error":"parse error"}', "refuses the query: bad_data: parse"),
        (503, b"", "is too busy or too slow for the query"),
        (502, b"<html>Bad Gateway</html>", "answers 502, and not as a Prometheus does"),
        (200, b"<html>Sign in</html>", "answers 200, and not as a Prometheus does"),
        (200, b"\xff\xfe\x00", "answers 200, and not as a Prometheus does"),
        (200, b"", "answers 200, and not as a Prometheus does"),
        (200, b'{"status":"success"}', "answers with something else than a range"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}', "answers with something else"),
        (302, b"", "answers 302"),
        (404, b"404 page not found", "has no query API there"),
        (401, b"", "wants a token"),
    ],
)
def test_what_goes_wrong_is_a_reason(server: Receiver, code: int, body: bytes, why: str) -> None:
    server.behave = status(code, body)
    assert why in failure(server)


def test_a_server_that_is_slow_drips_or_is_away_is_a_reason(server: Receiver) -> None:
    server.behave = hang_up
    assert "prom does not answer" in failure(server)
    server.behave = drip
    assert "prom does not answer" in failure(server, timeout=0.3)

    def slow_body(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(40):
            handler.wfile.write(b"{")
            time.sleep(0.05)

    server.behave = slow_body
    assert "not as a Prometheus does" in failure(server, timeout=0.3)
    with pytest.raises(QueryFailed, match="not declared allow_private"):
        client(server, allow_private=False).range("up", 0, MINUTE, 1000)


def test_an_answer_that_is_too_long_is_refused_whole(server: Receiver) -> None:
    server.behave = status(200, matrix(({}, [(0, "1")])) + b" " * (2 << 20))
    assert "is too long: ask for fewer series" in failure(server, answer=1)


def test_a_token_is_sent_and_shown_nowhere(server: Receiver) -> None:
    server.behave = status(401)
    assert "s3cret" not in failure(server, token="s3cret")
    assert server.got[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(("since", "until", "step"), [(0, -1, 1000), (0, 1, 0), (0, 1 << 50, 1000)])
def test_a_range_that_is_none_is_the_callers_mistake(since: int, until: int, step: int) -> None:
    with pytest.raises(ValueError, match="range"):
        RangeClient("prom", "http://p", lambda url, form: Fetched(200, b"")).range("up", since, until, step)
