"""Command line: ``python -m kb …``; thin, one function a command.

Exit codes: 0 done, 1 the answer is no, 2 wrong use or bad input. Errors are one Chinese sentence
on standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from kb.answer import Assistant, clean
from kb.assemble import fresh_index, open_assistant, rebuild
from kb.encoders import load_encoder
from kb.errors import IndexFolderError, InputError, KBError
from kb.schema import Method, Role
from kb.settings import Settings, load_settings

__all__ = ["main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="问指南：只用原文回答《中小企业数字化转型指南》的问题。",
)

CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="文档文件夹")]
IndexOption = Annotated[Path | None, typer.Option("--index", help="索引文件夹")]


def say(message: str) -> None:
    """Progress for people, on standard error."""
    print(message, file=sys.stderr, flush=True)


def ready_assistant(settings: Settings) -> Assistant:
    """Open the assistant; a missing or stale index is built first, a damaged one is refused."""
    try:
        return open_assistant(settings)
    except IndexFolderError as error:
        if error.state == "damaged":
            raise
        say(f"{error}正在自动建立……")
    rebuild(settings, say)
    return open_assistant(settings)


@app.command()
def build(
    corpus: CorpusOption = None,
    index: IndexOption = None,
    if_stale: Annotated[bool, typer.Option("--if-stale", help="索引已是最新就不重建")] = False,
) -> None:
    """Build or refresh the index."""
    settings = load_settings(corpus_dir=corpus, index_dir=index)
    print((if_stale and fresh_index(settings)) or rebuild(settings, say))


@app.command()
def ask(
    query: Annotated[str | None, typer.Argument(help="问题")] = None,
    role: Annotated[
        Role | None, typer.Option(help="demand 企业、supply 服务商、authority 主管部门")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出JSON")] = False,
    batch: Annotated[Path | None, typer.Option(help="批量问题文件（JSONL）")] = None,
    out: Annotated[Path | None, typer.Option(help="批量答案文件")] = None,
) -> None:
    """Answer one question, or a file of questions."""
    if batch is not None:
        _ask_batch(batch, out)
        return
    text = clean(query if query is not None else "")
    assistant = ready_assistant(load_settings())
    answer = assistant.answer(text, (), role)
    if as_json:
        print(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    from kb.render import make_shelf, to_text

    index = assistant.index
    print(to_text(answer, make_shelf(index.documents, index.passages, index.terms)))


def _ask_batch(source: Path, out: Path | None) -> None:
    from kb.batch import answer_lines

    try:
        lines = source.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"读不到批量文件“{source}”（{error.strerror}），请检查路径。") from error
    answers = answer_lines(ready_assistant(load_settings()), lines)
    if out is None:
        for line in answers:
            print(line)
        return
    draft = out.with_name(out.name + ".draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in answers)
        draft.replace(out)
    except OSError as error:
        raise InputError(
            f"写不了答案文件“{out}”（{error.strerror}），请检查路径和权限。"
        ) from error


@app.command()
def search(
    query: str,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="返回多少段")] = 10,
    method: Annotated[Method, typer.Option(help="检索方法")] = "hybrid",
    as_json: Annotated[bool, typer.Option("--json", help="输出JSON")] = False,
) -> None:
    """Rank passages for a query, with their scores."""
    text = clean(query)
    hits = ready_assistant(load_settings()).search(text, k, method)
    if as_json:
        print(
            json.dumps(
                {"hits": [h.model_dump(mode="json") for h in hits]}, ensure_ascii=False, indent=2
            )
        )
        return
    for hit in hits:
        print(f"{hit.rank}. {hit.score:.4f} {hit.passage_id}  {' › '.join(hit.section)}")
        print(f"   {hit.quote}")


@app.command()
def verify(text: Annotated[str, typer.Argument(help="要核对的文字，- 表示从标准输入读")]) -> None:
    """Check whether a text stands in the documents, character for character."""
    from kb.build import read_material
    from kb.corpus import load_corpus
    from kb.index import make_tokenizer
    from kb.render import verdict_text
    from kb.verify import verify as check

    wanted = sys.stdin.read() if text == "-" else text
    if not wanted.strip():
        raise InputError("请给出要核对的文字。", "input_empty")
    settings = load_settings()
    corpus = load_corpus(settings.corpus_dir)
    material = read_material(
        corpus._replace(questions=(), followups=()), make_tokenizer(settings, corpus.lexicon)
    )
    verdict = check(wanted, material.documents, material.passages)
    print(f"{verdict.state}：{verdict_text(verdict, material.documents)}")
    if verdict.state != "exact":
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址")] = None,
    port: Annotated[int | None, typer.Option(help="端口")] = None,
) -> None:
    """Serve the page and the API."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from app import run

    run(load_settings(host=host, port=port))


@app.command()
def encoder() -> None:
    """Get the encoder ready: fetch, convert and export it once."""
    settings = load_settings()
    say("准备编码器（首次需要下载并转换，约一两分钟）……")
    ready = load_encoder(settings.encoder, settings.data_dir)
    print(f"{ready.name} {ready.fingerprint[:12]} {ready.dimension}")


@app.command()
def derive(corpus: CorpusOption = None) -> None:
    """Write the clean documents again from the source slides."""
    from kb.corpus import write_derived

    for path in write_derived(load_settings(corpus_dir=corpus).corpus_dir):
        print(path)


@app.command()
def questions(corpus: CorpusOption = None) -> None:
    """Check the question banks and print their coverage."""
    from kb.build import read_material
    from kb.corpus import load_corpus
    from kb.index import make_tokenizer
    from kb.questions import coverage_table

    settings = load_settings(corpus_dir=corpus)
    loaded = load_corpus(settings.corpus_dir)
    material = read_material(loaded, make_tokenizer(settings, loaded.lexicon))
    table = coverage_table(
        loaded.questions, loaded.outside, material.targets, material.passages, material.followed
    )
    print(table)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn the errors that a user can meet into one Chinese sentence and exit code 2."""
    try:
        yield
    except KBError as error:
        say(str(error))
        sys.exit(2)
    except TyperException as error:
        said = " ".join(str(getattr(error, "message", error)).split())
        say(f"用法不对（{said}），请运行 python -m kb --help 查看用法。")
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f"“{error.filename}”" if error.filename else "文件"
        say(f"读写不了{where}（{error.strerror or error}），请检查路径、权限和磁盘空间。")
        sys.exit(2)
    except typer.Abort:
        say("已取消。")
        sys.exit(2)


def main() -> None:
    """Run the command line."""
    with one_sentence():
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
