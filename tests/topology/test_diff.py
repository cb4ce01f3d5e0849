"""What changed between two versions, as data and in words."""

from __future__ import annotations

from topology.catalogue import load_catalogue
from topology.continuity import Contract, SharedFate
from topology.diff import Change, Changed, diff
from topology.model import Dependency, Topology


def topology(text: str, fates: str = "") -> Topology:
    made, problems = load_catalogue([("a.yaml", f"entities: [{text}]\nfates: {{{fates}}}")])
    assert problems == []
    assert made is not None
    return made


def test_equal_versions_do_not_differ() -> None:
    found = diff(topology("{id: a}"), topology("{id: a}"))
    assert not found
    assert found.words() == []


def test_every_kind_of_change_is_named() -> None:
    before = topology(
        "{id: shop, tier: 1, depends_on: [cart, {on: db, group: g}, wiki], groups: {g: {}}},"
        "{id: cart}, {id: db}, {id: wiki}, {id: old}"
    )
    after = topology(
        "{id: shop, tier: 0, owner: web, depends_on: [{on: cart, semantics: soft}, {on: db, group: g}, new],"
        "groups: {g: {capacity: 0.5}}}, {id: cart}, {id: db}, {id: wiki}, {id: new}"
    )
    found = diff(before, after)
    assert found
    assert (found.before, found.after) == (before.version, after.version)
    assert (found.entities_added, found.entities_removed) == (("new",), ("old",))
    assert found.entities_changed == (Changed(("shop",), (Change("owner", "", "web"), Change("tier", 1, 0))),)
    assert found.dependencies_added == (Dependency(consumer="shop", provider="new"),)
    assert found.dependencies_removed == (Dependency(consumer="shop", provider="wiki"),)
    assert found.words() == [
        "+ new",
        "- old",
        "~ shop: owner none → web, tier 1 → 0",
        "+ shop depends on new (hard)",
        "- shop depends on wiki (hard)",
        "~ shop depends on cart: semantics hard → soft",
        "~ group g of shop: capacity none → 500",
        "domain cart is split into cart, wiki",
    ]


def test_groups_that_come_and_go_are_named() -> None:
    one = topology("{id: a, depends_on: [{on: b, group: g}], groups: {g: {capacity: 1}}}, {id: b}")
    two = topology("{id: a, depends_on: [b]}, {id: b}")
    assert "- group g of a (need 1, capacity 1)" in diff(one, two).words()
    assert "+ group g of a (need 1, capacity 1)" in diff(two, one).words()


def test_a_dependency_that_joins_two_domains_is_told_and_so_is_its_loss() -> None:
    apart = topology("{id: a, depends_on: [b]}, {id: b}, {id: x, depends_on: [y]}, {id: y}")
    together = topology("{id: a, depends_on: [b, x]}, {id: b}, {id: x, depends_on: [y]}, {id: y}")
    assert diff(apart, together).joined == {"a": ("a", "x")}
    assert "domains a, x are joined into a" in diff(apart, together).words()
    assert diff(together, apart).split == {"a": ("a", "x")}


def test_facts_of_continuity_are_told_under_their_names_in_the_catalogue() -> None:
    before = topology("{id: a, restore: 20m, contract: {rto: 4h, reference: C-1}}, {id: b}")
    after = topology(
        "{id: a, contract: {rto: 8h, reference: C-1}, regions: [DE]},"
        "{id: b, contract: {rto: 1h}, assumptions: [{id: up, on: a, reviewed: 2026-01-01}]}"
    )
    found = diff(before, after)
    assert found.entities_changed[0].changes == (
        Change("restore", 1200, None),
        Change("contract.rto", 14400, 28800),
        Change("regions", (), ("DE",)),
    )
    assert found.entities_changed[1].changes[0] == Change("contract", None, Contract(rto=3600))
    assert found.words() == [
        "~ a: restore 1200 → none, contract.rto 14400 → 28800, regions [] → [DE]",
        "~ b: contract none → (rto 3600), assumptions [] → [(id up, on a, reviewed 2026-01-01)]",
    ]


def test_shared_fates_and_timeouts_are_told() -> None:
    before = topology("{id: a, depends_on: [{on: b, timeout: 500ms}]}, {id: b}", "rack: {}, feed: {failure: 0.1}")
    after = topology("{id: a, depends_on: [{on: b, timeout: 2s}]}, {id: b}", "feed: {failure: 0.2}, release: {}")
    found = diff(before, after)
    assert found.fates_added == (SharedFate(name="release"),)
    assert found.words() == [
        "~ a depends on b: timeout 500 → 2000",
        "+ shared fate release",
        "- shared fate rack",
        "~ shared fate feed: failure 100000 → 200000",
    ]
