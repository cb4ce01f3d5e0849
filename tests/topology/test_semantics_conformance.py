"""Business semantics of other products, as their manuals define them, beside their equivalents in a catalogue.

`docs/semantics.md` says which construct is which, and why some have no equivalent. Each test computes the product's
answer by its manual's definition and ours by the production function, over all states of the children.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, floor
from pathlib import Path

import pytest

from topology.catalogue import load_catalogue
from topology.impact import Interval, impact
from topology.model import Topology

ROOT = Path(__file__).resolve().parents[2]
NAMES = "abcde"

SEVERITIES = (1000, 900, 700, 500, 300, 0)
"""Zabbix: OK, information, warning, average, high, disaster. OpenNMS: normal, warning, minor, major, critical lie on
the same scale. Icinga: OK, WARNING, CRITICAL are 1000, 500, 0."""
THREE = (1000, 500, 0)


def loaded(text: str) -> Topology:
    found, problems = load_catalogue([("c.yaml", text)])
    assert found is not None, problems
    return found


def parent_of(count: int, *lines: str, member: str = "{{on: {0}, group: g}}") -> Topology:
    """A parent ``p`` with the children a, b, c …; ``member`` is the entry of each, ``lines`` belong to the parent."""
    children = NAMES[:count]
    if "group: g" in member and not lines:
        lines = ("groups: {g: {}}",)
    entries = [f"      - {member.format(child)}" for child in children]
    entities = ["  - id: p", *(f"    {line}" for line in lines), "    depends_on:", *entries]
    return loaded("\n".join(["entities:", *entities, *(f"  - {{id: {child}}}" for child in children)]))


def parent(index: Topology, states: Sequence[int]) -> int:
    found = impact(index, {child: state for child, state in zip(NAMES, states, strict=False) if state < 1000})
    return found["p"].low if "p" in found else 1000


def agree(index: Topology, count: int, scale: Sequence[int], theirs: Callable[[Sequence[int]], int]) -> None:
    for states in product(scale, repeat=count):
        assert parent(index, states) == theirs(states), states


def at_least_as_bad(states: Sequence[int], status: int) -> int:
    return sum(state <= status for state in states)


# ---------------------------------------------------------------------------------------------------------- Zabbix


def test_zabbix_most_critical_of_child_services_is_a_hard_dependency_on_each():
    agree(parent_of(3, member="{0}"), 3, SEVERITIES, min)


def test_zabbix_set_status_to_ok_is_info():
    agree(parent_of(3, member="{{on: {0}, semantics: info}}"), 3, THREE, lambda states: 1000)


def test_zabbix_most_critical_if_all_children_have_problems_is_a_group_where_children_are_up_or_down():
    agree(parent_of(3), 3, (1000, 0), lambda states: min(states) if max(states) < 1000 else 1000)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_zabbix_rule_1_at_least_n_children_have_a_status_or_above(n: int):
    """Set the status s if at least n of 4 children have s or above, for every status s at once."""
    index = parent_of(4, f"groups: {{g: {{need: {4 - n + 1}}}}}")
    for states in product(SEVERITIES, repeat=4):
        expected = min((s for s in SEVERITIES if at_least_as_bad(states, s) >= n), default=1000)
        assert parent(index, states) == expected, states


@pytest.mark.parametrize("percent", [10, 25, 26, 50, 75, 100])
def test_zabbix_rule_2_at_least_n_percent_of_children_have_a_status_or_above(percent: int):
    n = ceil(4 * percent / 100)
    index = parent_of(4, f"groups: {{g: {{need: {4 - n + 1}}}}}")
    for states in product(THREE, repeat=4):
        expected = min(s for s in THREE if s == 1000 or at_least_as_bad(states, s) * 100 >= percent * 4)
        assert parent(index, states) == expected, states


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_zabbix_rule_3_less_than_n_children_have_a_status_or_below(n: int):
    """Less than n of 4 children are as good as s: the parent is worse than s."""
    index = parent_of(4, f"groups: {{g: {{need: {n}}}}}")
    for states in product(SEVERITIES, repeat=4):
        for status in SEVERITIES:
            fires = sum(state >= status for state in states) < n
            assert (parent(index, states) < status) == fires, (states, status)


@pytest.mark.parametrize("percent", [25, 26, 50, 100])
def test_zabbix_rule_4_less_than_n_percent_of_children_have_a_status_or_below(percent: int):
    index = parent_of(4, f"groups: {{g: {{need: {ceil(4 * percent / 100)}}}}}")
    for states in product(THREE, repeat=4):
        for status in THREE:
            fires = sum(state >= status for state in states) * 100 < percent * 4
            assert (parent(index, states) < status) == fires, (states, status)


WEIGHTS = (1, 2, 3, 4)


def weighted(capacity: float) -> Topology:
    entries = ", ".join(f"{{on: {c}, group: g, weight: {w}}}" for c, w in zip(NAMES, WEIGHTS, strict=False))
    children = "\n".join(f"  - {{id: {c}}}" for c in "abcd")
    groups = f"{{g: {{capacity: {capacity}}}}}"
    return loaded(f"entities:\n  - {{id: p, depends_on: [{entries}], groups: {groups}}}\n{children}")


@pytest.mark.parametrize("weight", [1, 3, 5, 10])
def test_zabbix_rule_5_weight_of_children_with_a_status_or_above_is_at_least_w(weight: int):
    """The parent is hit from that weight on, and by as much as is lost: there is no status to set."""
    index = weighted(sum(WEIGHTS) - weight + 1)
    for states in product((1000, 0), repeat=4):
        lost = sum(w for w, state in zip(WEIGHTS, states, strict=True) if state == 0)
        assert (parent(index, states) < 1000) == (lost >= weight), states


@pytest.mark.parametrize("percent", [10, 30, 55])
def test_zabbix_rule_6_weight_of_children_with_a_status_or_above_is_at_least_n_percent(percent: int):
    index = weighted(sum(WEIGHTS) - ceil(sum(WEIGHTS) * percent / 100) + 1)
    for states in product((1000, 0), repeat=4):
        lost = sum(w for w, state in zip(WEIGHTS, states, strict=True) if state == 0)
        assert (parent(index, states) < 1000) == (lost * 100 >= percent * sum(WEIGHTS)), states


@pytest.mark.parametrize("weight", [1, 3, 5, 10])
def test_zabbix_rule_7_weight_of_children_with_a_status_or_below_is_less_than_w(weight: int):
    index = weighted(weight)
    for states in product((1000, 0), repeat=4):
        left = sum(w for w, state in zip(WEIGHTS, states, strict=True) if state == 1000)
        assert (parent(index, states) < 1000) == (left < weight), states
        assert parent(index, states) == min(1000, ceil(1000 * left / weight)), states


@pytest.mark.parametrize("percent", [10, 30, 55, 100])
def test_zabbix_rule_8_weight_of_children_with_a_status_or_below_is_less_than_n_percent(percent: int):
    index = weighted(sum(WEIGHTS) * percent / 100)
    for states in product((1000, 0), repeat=4):
        left = sum(w for w, state in zip(WEIGHTS, states, strict=True) if state == 1000)
        assert (parent(index, states) < 1000) == (left * 100 < percent * sum(WEIGHTS)), states


@pytest.mark.parametrize("weight", [1, 3, 5, 10])
def test_weights_that_decide_between_up_and_down_are_as_many_stand_ins(weight: int):
    """Rules 5 to 8 with `set status to disaster`: a child of weight w is needed through w components."""
    stand_ins = [(f"{c}{n}", c) for c, w in zip(NAMES, WEIGHTS, strict=False) for n in range(w)]
    members = ", ".join(f"{{on: {one}, group: g}}" for one, _ in stand_ins)
    lines = [f"  - {{id: {one}, kind: component, depends_on: [{c}]}}" for one, c in stand_ins]
    lines += [f"  - {{id: {c}}}" for c in "abcd"]
    groups = f"{{g: {{need: {sum(WEIGHTS) - weight + 1}}}}}"
    index = loaded("\n".join([f"entities:\n  - {{id: p, depends_on: [{members}], groups: {groups}}}", *lines]))
    for states in product((1000, 0), repeat=4):
        lost = sum(w for w, state in zip(WEIGHTS, states, strict=True) if state == 0)
        assert parent(index, states) == (0 if lost >= weight else 1000), states


def test_zabbix_propagation_as_is_ignore_and_a_fixed_status_of_what_is_down():
    index = parent_of(1, member="{0}")
    agree(index, 1, SEVERITIES, lambda states: states[0])
    agree(parent_of(1, member="{{on: {0}, semantics: info}}"), 1, SEVERITIES, lambda states: 1000)
    fixed = parent_of(1, member="{{on: {0}, semantics: soft, factor: 0.5}}")
    agree(fixed, 1, (1000, 0), lambda states: 1000 if states[0] else 500)


def test_zabbix_rule_that_sets_another_status_than_that_of_its_children_is_a_soft_group():
    """`Set status to average if at least 2 child services are down`."""
    index = parent_of(3, "groups: {g: {need: 2}}", member="{{on: {0}, group: g, semantics: soft, factor: 0.5}}")
    agree(index, 3, (1000, 0), lambda states: 500 if at_least_as_bad(states, 0) >= 2 else 1000)


# --------------------------------------------------------------------------------------------------------- OpenNMS


def test_opennms_map_identity_and_ignore():
    agree(parent_of(2, member="{0}"), 2, SEVERITIES, min)
    agree(parent_of(2, member="{{on: {0}, semantics: info}}"), 2, SEVERITIES, lambda states: 1000)


def test_opennms_map_decrease_makes_trouble_milder_by_a_share_instead_of_a_level():
    index = parent_of(1, member="{{on: {0}, semantics: soft, factor: 0.7}}")
    felt = [parent(index, (state,)) for state in SEVERITIES]
    assert felt == [1000, 930, 790, 650, 510, 300]
    assert all(mine >= theirs for mine, theirs in zip(felt, SEVERITIES, strict=True))


def test_opennms_map_set_to_holds_for_what_is_down():
    index = parent_of(1, member="{{on: {0}, semantics: soft, factor: 0.3}}")
    assert [parent(index, (state,)) for state in (1000, 0)] == [1000, 700]


def test_opennms_reduce_highest_severity():
    agree(parent_of(3, member="{0}"), 3, SEVERITIES, min)


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.26, 0.33, 0.5, 0.9])
def test_opennms_reduce_threshold_is_need(threshold: float):
    """The worst severity that more than this share of the edges has, or worse."""
    index = parent_of(4, f"groups: {{g: {{need: {4 - floor(threshold * 4)}}}}}")
    for states in product(SEVERITIES, repeat=4):
        expected = min(s for s in SEVERITIES if at_least_as_bad(states, s) > threshold * 4 or s == 1000)
        assert parent(index, states) == expected, states


def test_opennms_reduce_threshold_with_weights_as_in_its_manual():
    """Web-ICMP-1 critical, -2 normal, -3 warning with three times the weight, 33 %: the status is warning."""
    text = """\
entities:
  - id: web
    depends_on: [{on: w1, group: icmp}, {on: w2, group: icmp}, {on: w3a, group: icmp}, {on: w3b, group: icmp},
      {on: w3c, group: icmp}]
    groups: {icmp: {need: 4}} # 5 - floor(5 * 0.33)
  - {id: w3a, kind: component, depends_on: [w3]}
  - {id: w3b, kind: component, depends_on: [w3]}
  - {id: w3c, kind: component, depends_on: [w3]}
  - {id: w1}
  - {id: w2}
  - {id: w3}
"""
    assert impact(loaded(text), {"w1": 0, "w3": 900})["web"].low == 900


def test_opennms_exponential_propagation_adds_up_what_a_capacity_adds_up():
    """With base 2, two of one severity make one of the next. Here two halves make one whole, and no more than that."""
    index = parent_of(4, "groups: {g: {capacity: 4}}")
    assert parent(index, (500, 500, 1000, 1000)) == parent(index, (0, 1000, 1000, 1000)) == 750
    assert parent(index, (750, 750, 750, 750)) == 750


# ---------------------------------------------------------------------------------------------------------- Icinga


def test_icinga_and_is_a_hard_dependency_on_each():
    agree(parent_of(3, member="{0}"), 3, THREE, min)


def test_icinga_or_is_a_group():
    agree(parent_of(3), 3, THREE, max)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_icinga_min_n_is_the_worst_of_the_best_n_as_documented(n: int):
    index = parent_of(3, f"groups: {{g: {{need: {n}}}}}")
    agree(index, 3, THREE, lambda states: min(sorted(states, reverse=True)[:n]))


def test_icinga_min_2_of_ok_warning_critical_is_warning():
    """Icinga's own code says CRITICAL here; its documentation says what is asserted."""
    assert parent(parent_of(3, "groups: {g: {need: 2}}"), (1000, 500, 0)) == 500


def test_icinga_degraded_is_and_that_never_goes_down():
    index = parent_of(3, member="{{on: {0}, semantics: soft, factor: 0.5}}")
    for states in product(THREE, repeat=3):
        theirs = "OK" if min(states) == 1000 else "WARNING"
        assert ("OK" if parent(index, states) == 1000 else "WARNING") == theirs
        assert parent(index, states) > 0


def test_icinga_unknown_leaves_bounds_instead_of_a_fourth_state():
    found = impact(parent_of(2, member="{0}"), {"a": Interval(0, 1000)})["p"]
    assert (found.low, found.high) == (0, 1000)
    assert (
        "p" not in impact(parent_of(2), {"a": Interval(0, 1000)})
        or impact(parent_of(2), {"a": Interval(0, 1000)})["p"].low == 1000
    ), "one child that is up is enough, whatever the other one is"


@pytest.mark.parametrize("need", [1, 2])
@pytest.mark.parametrize("capacity", ["", ", capacity: 1", ", capacity: 2"])
@pytest.mark.parametrize("semantics", ["hard", "soft", "async"])
def test_icinga_xor_has_no_equivalent_because_health_never_hurts(need: int, capacity: str, semantics: str):
    """XOR turns CRITICAL when a second child becomes OK; no group does."""
    index = parent_of(
        2, f"groups: {{g: {{need: {need}{capacity}}}}}", member=f"{{{{on: {{0}}, group: g, semantics: {semantics}}}}}"
    )
    assert parent(index, (0, 1000)) == parent(index, (1000, 0)) <= parent(index, (1000, 1000)) == 1000


# ------------------------------------------------------------------------------------------------------ ServiceNow


@pytest.mark.parametrize(
    ("members", "percent", "critical"),
    [(3, 90, 3), (3, 60, 2), (4, 60, 3)],
    ids=["application cluster of the manual", "host cluster of the manual", "cluster of four"],
)
def test_servicenow_percent_influence_of_cluster_members_is_need(members: int, percent: int, critical: int):
    """So many members must be critical for the cluster to be."""
    assert ceil(members * percent / 100) == critical
    index = parent_of(members, f"groups: {{g: {{need: {members - critical + 1}}}}}")
    agree(index, members, (1000, 0), lambda states: 0 if states.count(0) >= critical else 1000)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_servicenow_count_influence_of_cluster_members_is_need(number: int):
    index = parent_of(3, f"groups: {{g: {{need: {3 - number + 1}}}}}")
    agree(index, 3, (1000, 0), lambda states: 0 if states.count(0) >= number else 1000)


def test_servicenow_influence_units_that_exceed_the_parents_are_a_lost_capacity():
    """Children of 34 %, 34 %, 34 % and 70 % under a parent of 100 %: 34 + 70 exceeds it, 34 + 34 does not."""
    shares = (34, 34, 34, 70)
    entries = ", ".join(f"{{on: {c}, group: g, weight: {s}}}" for c, s in zip(NAMES, shares, strict=False))
    children = "".join(f"\n  - {{id: {c}}}" for c in "abcd")
    groups = f"{{g: {{capacity: {sum(shares) - 100}}}}}"
    index = loaded(f"entities:\n  - {{id: p, depends_on: [{entries}], groups: {groups}}}{children}")
    for states in product((1000, 0), repeat=4):
        lost = sum(s for s, state in zip(shares, states, strict=True) if state == 0)
        assert (parent(index, states) < 1000) == (lost > 100), states


def test_servicenow_impact_when_critical_is_a_factor():
    """`Impact when Critical: Minor` on a dependency."""
    assert parent(parent_of(1, member="{{on: {0}, semantics: soft, factor: 0.3}}"), (0,)) == 700


# ------------------------------------------------------------------------------------------------------------ docs


def test_every_catalogue_of_the_document_loads():
    text = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        assert loaded(block).entities
