"""File descriptors: raised as far as it may be, and told clearly where that is not enough."""

import subprocess
import sys

import pytest

SAYS = """
import resource, sys
soft, hard, endpoints = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from edge_agent.descriptors import provide
print(provide(endpoints))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "endpoints", "told", "after"),
    [
        (256, 4096, 100, "", 256),
        (256, 4096, 2_000, "", 4096),
        (256, 4096, 4_032, "", 4096),
        (256, 4096, 4_033, "4033 endpoints take 4097 file descriptors, and this process may have 256", 256),
    ],
)
def test_the_soft_limit_is_raised_to_the_hard_one_where_that_helps(
    soft: int, hard: int, endpoints: int, told: str, after: int
) -> None:
    """In a process of its own: a hard limit cannot be taken back."""
    command = [sys.executable, "-c", SAYS, str(soft), str(hard), str(endpoints)]
    said, limit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said.startswith(told)
    assert bool(said) == bool(told)
    assert int(limit) == after


def test_where_it_may_not_be_raised_that_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit's filter of system calls refuses the call."""
    from edge_agent import descriptors

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(descriptors.resource, "setrlimit", refused)
    monkeypatch.setattr(descriptors, "_limits", lambda: (1024, 524_288))
    assert descriptors.provide(500) == ""
    assert "LimitNOFILE=9128" in descriptors.provide(4_500)
