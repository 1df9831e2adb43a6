"""One frozen ``Settings``, read once at a door from ``KB_…`` variables or ``.env``, then passed down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import SettingsError

__all__ = ["Settings", "cores", "load_settings"]

HOME = Path(__file__).resolve().parent.parent

CURES = {
    "corpus_dir": "应为存放文档的文件夹",
    "index_dir": "应为存放索引的文件夹",
    "data_dir": "应为可写的文件夹",
    "encoder": "应为 builtin、模型文件夹或模型名称",
    "store": "应为 faiss（本版本只支持本机FAISS索引）",
    "host": "应为主机地址，例如 127.0.0.1",
    "port": "应为 1 到 65535 之间的整数",
    "records": "应为 local（只有本机能看反馈和统计）或 all（能打开页面的人都能看）",
}


class Settings(BaseSettings):
    """Where things are and which encoder is used; every field has a ``KB_…`` variable."""

    model_config = SettingsConfigDict(
        env_prefix="KB_", env_file=".env", frozen=True, extra="ignore"
    )

    corpus_dir: Path = HOME / "corpus"
    index_dir: Path = HOME / "index"
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("zhinan-kb"))
    encoder: str = "builtin"
    store: str = "faiss"
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=1, le=65535)
    records: Literal["local", "all"] = "local"

    def as_environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a process of our own."""
        own = {f"KB_{name.upper()}": str(value) for name, value in self.model_dump().items()}
        return {**os.environ, **own}

    @field_validator("encoder", "host")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("blank")
        return value.strip()

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value != "faiss":
            raise ValueError("unknown store")
        return value


def load_settings(**overrides: object) -> Settings:
    """Read the settings; keyword arguments that are not None win over the environment.

    Raises:
        SettingsError: a value is not allowed; the message names it, what is allowed and the cure.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(
            f"设置 KB_{name.upper()} 的值“{first['input']}”无效，{CURES.get(name, '请检查')}；请改正后重试。"
        ) from error


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
