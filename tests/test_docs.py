"""The documentation says what is true: settings, commands and make targets all exist and are named."""

from __future__ import annotations

import re
from pathlib import Path

from kb.__main__ import app
from kb.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_readme() -> None:
    for name in Settings.model_fields:
        assert f"KB_{name.upper()}" in README


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_command_of_the_readme_exists() -> None:
    commands = {
        command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert set(re.findall(r"python -m kb ([a-z]+)", README)) <= commands


def test_every_module_is_in_the_architecture() -> None:
    for path in (REPOSITORY / "kb").glob("*.py"):
        if not path.stem.startswith("__"):
            assert f"`{path.stem}`" in ARCHITECTURE, path.stem


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
