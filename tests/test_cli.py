"""The command line as a user runs it: output, exit codes, one Chinese sentence for each error."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kb.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent


def kb(
    settings: Settings, *arguments: str, stdin: str | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    environment = {**settings.as_environment(), **extra}
    return subprocess.run(
        [sys.executable, "-m", "kb", *arguments], cwd=REPOSITORY, env=environment, input=stdin,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def built(real_settings: Settings, assistant: object) -> Settings:
    return real_settings


def test_ask_as_json_never_imports_torch(built: Settings) -> None:
    code = (
        "import sys; sys.argv=['kb','ask','什么是低代码','--json']\n"
        "from kb.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert e.code == 0, e.code\n"
        "assert 'torch' not in sys.modules and 'sentence_transformers' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=built.as_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["citations"][0]["passage_id"] == "glossary:0-p12"


def test_ask_for_a_reader(built: Settings) -> None:
    done = kb(built, "ask", "没钱搞，政府给补贴吗")
    assert done.returncode == 0
    assert "政府补一点" in done.stdout


def test_batch_round_trip(built: Settings, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [
        '{"id": "a", "query": "什么是MES"}',
        "bad",
        '{"id": "d", "turns": [{"query": "政府给钱吗"}, {"query": "那银行呢"}]}',
        r'{"id": "\ud800", "query": "\ud800 第1十条举措"}',
        '{"id": ' + "9" * 5000 + "}",
        r'{"id": "t", "turns": [{"query": "\ud800 列出2十条举措"}, {"query": "第1二点"}]}',
    ]
    source.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    done = kb(built, "ask", "--batch", str(source), "--out", str(out))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    kinds = ["answer", "error", "answers", "answer", "error", "answers"]
    assert [set(row) for row in rows] == [{"id", kind} for kind in kinds]


def test_search_and_verify(built: Settings) -> None:
    hits = json.loads(kb(built, "search", "低代码", "-k", "2", "--json").stdout)["hits"]
    assert len(hits) == 2
    assert kb(built, "verify", "从易到难、由点及面").returncode == 0
    differs = kb(built, "verify", "从易到难、由点到面、长期迭代、多方协同")
    assert (differs.returncode, "differs" in differs.stdout) == (1, True)
    assert kb(built, "verify", "-", stdin="完全不相干的一句话在这里").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", ""),
        ("ask", "长" * 30_000),
        ("ask", "x", "--role", "king"),
        ("search", "x", "--method", "magic"),
        ("search", "x", "-k", "0"),
        ("nothing",),
        ("ask", "--batch", "/nowhere.jsonl"),
        ("verify", " "),
    ],
)
def test_wrong_use_is_one_sentence(built: Settings, arguments: tuple[str, ...]) -> None:
    assert one_sentence(kb(built, *arguments)).endswith("。")


def test_wrong_settings_are_one_sentence(built: Settings, tmp_path: Path) -> None:
    assert "KB_PORT" in one_sentence(kb(built, "ask", "x", KB_PORT="99999"))
    assert "KB_STORE" in one_sentence(kb(built, "ask", "x", KB_STORE="redis"))
    assert "nowhere" in one_sentence(kb(built, "build", KB_CORPUS_DIR=str(tmp_path / "nowhere")))
    assert "builtin" in one_sentence(kb(built, "ask", "x", KB_ENCODER=str(tmp_path / "no-model")))


def test_an_unusable_data_folder_is_one_sentence(built: Settings) -> None:
    assert "/dev/null" in one_sentence(kb(built, "ask", "x", KB_DATA_DIR="/dev/null/x"))


def test_a_port_in_use_is_one_sentence(built: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in one_sentence(kb(built, "serve", "--port", port))
