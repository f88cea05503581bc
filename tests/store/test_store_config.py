"""The [store] table: what may stand there, and that secrets stay in their files."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contract.complaint import complaints, parse_toml
from store.config import InfluxConfig, SqliteConfig, StoreConfig
from store.credentials import Credentials
from store.examples import example
from store.protocol import UnusableStoreError


class Whole(BaseModel):
    store: StoreConfig


INFLUX = {"kind": "influx", "url": "http://localhost:8086", "database": "plant"}


def test_the_kind_chooses_the_store() -> None:
    sqlite = Whole.model_validate({"store": {"kind": "sqlite", "path": "store.sqlite"}}).store
    assert sqlite == SqliteConfig(kind="sqlite", path=Path("store.sqlite"))
    influx = Whole.model_validate({"store": {**INFLUX, "url": "https://db.example/influx/"}}).store
    assert influx == InfluxConfig(kind="influx", url="https://db.example/influx", database="plant")
    assert (influx.retention_days, influx.timeout_s) == (0, 30)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "mysql"}, "'sqlite', 'influx'"),
    ({"kind": "sqlite"}, "required"),
    ({"kind": "sqlite", "path": "a", "url": "b"}, "Extra inputs"),
    ({**INFLUX, "url": "localhost:8086"}, "http://host:port"),
    ({**INFLUX, "url": "http://"}, "http://host:port"),
    ({**INFLUX, "url": "http://me:word@db:8086"}, "username and password_file"),
    ({**INFLUX, "url": "http://db:8086?u=me"}, "without"),
    ({**INFLUX, "database": "a/b"}, "pattern"),
    ({**INFLUX, "database": "plant\n"}, "pattern"),
    ({**INFLUX, "database": "_internal"}, "pattern"),
    ({**INFLUX, "username": "me"}, "go together"),
    ({**INFLUX, "password_file": "p"}, "go together"),
    ({**INFLUX, "username": "me", "password_file": "p", "token_file": "t"}, "either"),
    ({**INFLUX, "retention_days": -1}, "greater than or equal"),
    ({**INFLUX, "timeout_s": 0}, "greater than"),
    ({**INFLUX, "token": "abc"}, "Extra inputs"),
]


@pytest.mark.parametrize(("table", "complaint"), WRONG, ids=lambda value: str(value)[-50:])
def test_a_mistake_is_explained(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint) as error:
        Whole.model_validate({"store": table})
    assert len(error.value.errors()) == 1


def test_a_mistake_has_its_line() -> None:
    file = parse_toml("c.toml", '[store]\nkind = "influx"\nurl = "db:8086"\ndatabase = "plant"\n')
    with pytest.raises(ValidationError) as error:
        Whole.model_validate(file.data)
    (complaint,) = complaints(file, error.value.errors())
    assert (complaint.line, complaint.key) == (3, "store.url")


def influx(**more: Any) -> InfluxConfig:
    return InfluxConfig.model_validate({**INFLUX, **more})


def test_credentials_are_read_from_files_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" s3cret\n")
    token = Credentials.of(influx(token_file=file))
    assert token.headers == {"Authorization": "Token s3cret"}
    user = Credentials.of(influx(username="me", password_file=file))
    assert user.headers == {"Authorization": "Basic bWU6czNjcmV0"}
    assert user.token == "me:s3cret"
    assert Credentials.of(influx()).headers == {}
    assert "s3cret" not in repr(token) + repr(user)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two\nlines", b"\xff", "密".encode()])
def test_a_secret_that_cannot_be_one_is_not_shown_either(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableStoreError, match=str(file)) as error:
        Credentials.of(influx(token_file=file))
    assert "lines" not in str(error.value)


def test_an_example_is_named_where_it_is_and_else_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "billing.toml").touch()
    found = example("billing.toml", [tmp_path / "lib", tmp_path])
    assert found == f"{tmp_path}/configs/billing.toml is a commented example"
    assert example("billing.toml", [tmp_path / "lib"]) == "the sources have an example, configs/billing.toml"
