"""What the fuzzing shares: the golden payloads and the shipped examples as seeds, and how they are spoiled.

GONGFANG_FUZZ_EXAMPLES says how many examples each test tries; the default suits an ordinary run.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "contract" / "golden"

settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("GONGFANG_FUZZ_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

TOKENS = [
    *(b'"', b"'", b"{", b"}", b"[", b"]", b"[[", b",", b":", b"=", b"\\", b"\n", b"\r", b"\0", b"#", b"."),
    *(b"null", b"true", b"-1", b"0", b"1e400", b"-0.5", b"nan", b"inf", b"9" * 25, b"9" * 5000, b"0x1F"),
    *(
        b"\\ud800",
        b"\\u0000",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x8f\xad",
        "共坊".encode(),
        b"\xef\xbb\xbf",
    ),
    *(
        b"[" * 3000,
        b"{" * 3000,
        b'{"a":' * 3000,
        b"1979-13-45",
        b"25:61:61",
        b"../",
        b"/",
        b"none",
        b"disputed",
    ),
    *(b"x=" + b"[" * 3000, b"a." * 3000, b"x" * 5000, b"\n[a]\n", b"\n[[a]]\n", b'""', b"{}", b"[]"),
]


@st.composite
def _mutant(draw: st.DrawFn, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["flip", "put", "token", "token", "cut", "double", "end"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "put" if data:
                data[at] = draw(st.integers(0, 255))
            case "token":
                data[at:at] = draw(st.sampled_from(TOKENS))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case "end" if draw(st.booleans()):
                del data[at:]
    return bytes(data)


@pytest.fixture(scope="session")
def mutant() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """Bytes like these, but for a few that were flipped, put in, left out or doubled."""
    return _mutant


@pytest.fixture(scope="session")
def golden() -> Callable[[str], bytes]:
    """A golden payload by the name of its file."""
    return lambda name: (GOLDEN / name).read_bytes()


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
