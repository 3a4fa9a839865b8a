"""The habits of contributors: tasks, hooks, workflows, the issue form, the picture of the rooms."""

import re
import shlex
import tomllib
from xml.etree import ElementTree

import draw_rooms
import places
import pytest
import rooms
import yaml

from vggish_tf import cli

ROOT = places.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TASKS = PROJECT["tool"]["poe"]["tasks"]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LINTERS = re.compile(r"^(?:ruff|mypy)\b.*", re.MULTILINE)
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
STEPS = [
    step
    for workflow in WORKFLOWS.values()
    for job in workflow["jobs"].values()
    for step in job["steps"]
]
RUN_LINES = [line for step in STEPS if "run" in step for line in step["run"].splitlines()]


def commands_of(task: dict) -> list[str]:
    """The command lines of a task of poe."""
    return [part["cmd"] for part in task.get("sequence", [task])]


def missing(commands: list[str]) -> list[str]:
    """The programs and scripts of the repository that commands name and that are not there."""
    words = [word for command in commands for word in shlex.split(command)]
    ours = [word for word in words if word.startswith((".ci/", "scripts/", "./"))]
    return [word for word in ours if not (ROOT / word).is_file()]


# Tasks


def test_contributing_lists_every_task():
    listed = re.findall(r"^    poe (\w+) +# (.*)$", CONTRIBUTING, re.MULTILINE)
    assert listed == [(name, task["help"]) for name, task in TASKS.items()]


def test_every_task_runs_what_is_there():
    commands = [command for task in TASKS.values() for command in commands_of(task)]
    assert len(commands) > len(TASKS)
    assert missing(commands) == []


def test_a_missing_script_fails_the_tests():
    assert missing([".ci/run", ".ci/none", "python scripts/none.py -q"]) == [
        ".ci/none",
        "scripts/none.py",
    ]


# Hooks


def test_the_hooks_are_the_linters_of_ci():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]
    assert hooks == LINTERS.findall((ROOT / ".ci" / "run").read_text(encoding="utf-8"))


# Workflows


def test_the_workflows_run_on_the_pythons_that_the_project_names():
    matrix = WORKFLOWS["ci"]["jobs"]["run"]["strategy"]["matrix"]["python"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert matrix == claimed
    assert PROJECT["project"]["requires-python"] == f">={matrix[0]}"


def test_the_oldest_packages_are_tried_on_the_oldest_python():
    image = WORKFLOWS["ci"]["jobs"]["floors"]["container"]["image"]
    assert PROJECT["project"]["requires-python"] == f">={image.split(':')[1].split('-')[0]}"


def test_the_workflows_run_what_is_there():
    assert {".ci/run", ".ci/floors"} <= {*RUN_LINES}
    assert missing(RUN_LINES) == []


def test_the_slow_tests_have_a_schedule():
    workflow = WORKFLOWS["slow"]
    assert workflow[True]["schedule"]  # YAML 1.1 reads the key `on` as true
    assert workflow["env"]["PYTEST_ADDOPTS"] == "-m slow"
    assert ".ci/run" in [step.get("run") for step in workflow["jobs"]["slow"]["steps"]]


# The issue form


def test_the_issue_form_asks_for_what_verify_prints():
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"
    fields = {field["id"]: field for field in yaml.safe_load(path.read_text("utf-8"))["body"]}
    assert [*fields] == ["verify", "versions", "ran", "came", "expected"]
    assert all(field["validations"]["required"] for field in fields.values())
    assert "`vggish-tf verify`" in fields["verify"]["attributes"]["description"]


def test_the_commands_of_the_issue_form_are_commands():
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")
    commands = re.findall(r"`vggish-tf ([\w-]+)`", text)
    assert commands == ["verify", "--version"]
    for command in commands:
        with pytest.raises(SystemExit, match="0"):
            cli.main([command, "--help"])


# The picture

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = [
    (group.get("class"), group.findtext(f"{SVG}title"), group.findall(f"{SVG}text"))
    for group in ElementTree.parse(draw_rooms.PICTURE).iter(f"{SVG}g")
]
STALE = "docs/architecture.svg is not of these rooms and imports. Run: poe picture"


def arrows_in_the_picture() -> set[tuple[str, ...]]:
    return {tuple(title.split("->")) for kind, title, _ in GROUPS if kind == "edge"}


def test_the_arrows_are_the_imports():
    arrows = draw_rooms.reduced(draw_rooms.graph(rooms.boxes(), rooms.room_imports()))
    expected = {(name, other) for name, others in arrows.items() for other in others}
    assert len(expected) > 15
    assert arrows_in_the_picture() == expected, STALE


def test_the_boxes_are_the_rows_of_the_table():
    ground, *others = rooms.boxes()
    shown = {
        title: " ".join(text.text for text in texts)
        for kind, title, texts in GROUPS
        if kind == "node"
    }
    expected = {box.rooms[0]: f"{', '.join(box.files)} {box.words}" for box in others}
    expected["ground"] = f"{draw_rooms.GROUND} {', '.join(ground.files)}"
    assert shown == expected, STALE


def test_every_arrow_points_upward():
    top = {title: float(texts[0].get("y")) for kind, title, texts in GROUPS if kind == "node"}
    assert [pair for pair in arrows_in_the_picture() if top[pair[0]] <= top[pair[1]]] == []


def test_an_arrow_that_follows_from_others_is_left_out():
    arrows = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"a", "b", "c"}}
    assert draw_rooms.reduced(arrows) == {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}}
    assert [*draw_rooms.levels(arrows)] == [["a"], ["b", "c"], ["d"]]
