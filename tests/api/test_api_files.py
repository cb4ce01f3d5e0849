"""Which files of a folder are the operator's."""

from __future__ import annotations

from pathlib import Path

from api import files

ROOT = Path(__file__).resolve().parents[2]


def test_what_a_python_package_ships_is_not_the_operators_and_it_is_said(tmp_path: Path) -> None:
    for folder in ("mine", "theirs", "theirs/deeper"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.yaml").write_text(f"obligations: [{{id: {folder.replace('/', '-')}}}]\n")
    (tmp_path / "theirs" / "__init__.py").write_text("")
    texts, findings = files.written(tmp_path, files.RULES)
    assert texts == [tmp_path / "mine" / "rules.yaml"]
    assert [str(finding) for finding in findings] == [
        f"{tmp_path / 'theirs'}: warning: is a Python package: what it ships is left out"
        " (keep your own in another folder, and name it)"
    ]
    rules, told = files.rules_of(tmp_path)
    assert rules is not None
    assert told == findings


def test_a_catalogue_beside_a_package_is_still_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__init__.py").write_text("")
    (tmp_path / "tool" / "settings.yaml").write_text("nothing: of a catalogue\n")
    (tmp_path / "shop.yaml").write_text("entities: [{id: shop}]\n")
    topology, findings = files.topology_of(tmp_path)
    assert topology is not None
    assert list(topology.entities) == ["shop"]
    assert [finding.warning for finding in findings] == [True]


def test_the_packs_that_ship_are_no_rules_of_an_operator_who_works_in_the_source_folder() -> None:
    rules, findings = files.rules_of(ROOT / "rules")
    assert rules is not None
    assert [finding.warning for finding in findings] == [True]


def test_a_sink_that_no_settings_declare_is_warned_of_with_its_line(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yaml").write_text("routes:\n  - id: all\n    sinks: [chatt]\n")
    loaded = files.load(tmp_path / "catalogue", tmp_path / "rules", frozenset({"chat"}))
    found = [str(one) for one in loaded.findings if "sink" in one.message]
    assert len(found) == 1
    assert "r.yaml:3: " in found[0]
    assert "no sink 'chatt' is declared in the settings (did you mean 'chat'?)" in found[0]
    assert loaded.rules is not None, "it is a warning"
