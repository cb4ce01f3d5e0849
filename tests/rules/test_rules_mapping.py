"""From labels to names of entities, best first."""

from __future__ import annotations

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mapping import Names, host, workload
from rules.parse import parse_rules
from rules.ruleset import RuleSet

DEFAULT = RuleSet.default()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"service": "cart", "job": "scrape"}, ["cart", "scrape"]),
        ({"entity": "db-1", "service": "cart"}, ["db-1", "cart"]),
        ({"service.namespace": "shop", "service.name": "cart"}, ["shop/cart", "cart"]),
        ({"service.name": "cart"}, ["cart"]),
        ({"namespace": "shop", "deployment": "cart"}, ["shop/cart", "cart"]),
        ({"namespace": "shop", "service": "cart"}, ["cart", "shop/cart"]),
        ({"instance": "db-1:9100", "job": "node"}, ["db-1:9100", "db-1", "node"]),
        ({"instance": "[fe80::1]:9100"}, ["[fe80::1]:9100", "fe80::1"]),
        ({"alertname": "Lonely"}, []),
        ({"service": "", "job": "node"}, ["node"]),
    ],
)
def test_the_default_order_goes_from_people_s_labels_to_the_scrape_job(
    labels: dict[str, str], names: list[str]
) -> None:
    assert list(DEFAULT.names(labels)) == names


@pytest.mark.parametrize(
    ("pod", "first"),
    [
        ("cart-6d4cf56db6-x7k2p", "cart"),
        ("payment-service-7c5ddbdf54-2xkqv", "payment-service"),
        ("log-agent-x7k2p", "log-agent"),
        ("kafka-0", "kafka"),
        ("user-db-mongo-12", "user-db-mongo"),
        ("frontend-5f9d8b7c4d-abcd1", "frontend"),
    ],
)
def test_a_pod_is_known_by_its_workload(pod: str, first: str) -> None:
    assert next(workload(pod)) == first


@pytest.mark.parametrize("pod", ["cart", "cart-redis", "", "-", "cart-service-redis", "db-2024-01"])
def test_a_name_without_a_drawn_suffix_keeps_its_words(pod: str) -> None:
    assert set(workload(pod)) <= {"db-2024"}


def test_an_address_without_a_port_has_no_shorter_name() -> None:
    assert [list(host(text)) for text in ("db-1", "fe80::1", "db:", "db:http")] == [[], [], [], []]


def test_own_templates_come_where_the_operator_puts_them() -> None:
    rules, problems = parse_rules({"r.yaml": 'mapping: ["{dc}/rack-{rack}", default, team]'})
    assert rules is not None
    assert problems == []
    labels = {"dc": "fra", "rack": "7", "service": "cart", "team": "shop"}
    assert list(rules.names(labels)) == ["fra/rack-7", "cart", "shop"]
    assert list(rules.names({"dc": "fra", "service": "cart"})) == ["cart"]


def test_a_look_up_takes_microseconds() -> None:
    names = Names(DEFAULT.content.mapping)
    labels = {"alertname": "Slow", "pod": "cart-6d4cf56db6-x7k2p", "instance": "10.0.0.1:80", "job": "k8s"}
    once = min(timeit.repeat(lambda: list(names.candidates(labels)), number=1000, repeat=5)) / 1000
    assert once < 50e-6  # about 3 µs on an idle core; the limit leaves room for a busy machine


@given(st.dictionaries(st.sampled_from(["pod", "instance", "namespace", "service", "job"]), st.text(max_size=30)))
def test_names_are_never_empty_whatever_a_stranger_sends(labels: dict[str, str]) -> None:
    assert all(isinstance(name, str) for name in DEFAULT.names(labels))
    assert "" not in [name for label, name in labels.items() if label == "job" for name in DEFAULT.names(labels)]
