"""What makes a machine one of its kind: counters and limits, misbehaviour, and how its registers are made."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from simulators.codes import Kind, State
from simulators.device import Image
from simulators.header import Identity
from simulators.records import Behaviour, Order
from simulators.story import Counter, Story
from simulators.totals import Moment, Rate


class Cause(Struct, frozen=True):
    """One reason to stand still: how often beside its neighbours, and how long (log-normal)."""

    state: State
    code: int
    weight: float
    median_s: float
    spread: float
    """Sigma of the logarithm."""
    vendor: int = 0
    """The machine's own code, where it tells more than the canonical one."""


class Flow(Struct, frozen=True, kw_only=True):
    """What a meter sees pass, in the unit of ``Segment.level``."""

    low: int
    high: int
    steady_s: tuple[float, float]
    """How long it stays at one level."""
    batch_s: tuple[float, float] | None = None
    """How long it flows at a time; None for a meter through which it always does."""
    pause_s: tuple[float, float] = (0.0, 0.0)
    back_share: float = 0.0
    """Of the batches that end with a little flowing back."""


class Seat(Struct, frozen=True, kw_only=True):
    """One machine of a plant, as its registers are made from it."""

    it: Identity
    first: Mapping[str, int]
    """Each counter's value at the start."""
    orders: Mapping[int, Order]
    story: Story
    seed: str


class Map(Protocol):
    """Turns a moment of a machine into what it answers, and into what it has counted."""

    @property
    def rates(self) -> Mapping[str, Rate]:
        """What ``Moment.sums`` holds for this machine."""

    def image(self, now: Moment, offset: int, now_ms: int, /) -> Image:
        """``offset`` is ms after the start, ``now_ms`` the same instant in UTC epoch ms."""

    def counted(self, now: Moment, /) -> dict[str, int]:
        """Since the start, in the units that are metered and as coarse as the machine's own counters."""


class MachineType(Struct, frozen=True, kw_only=True):
    kind: Kind
    profile: str
    """What an agent calls its register map."""
    counters: Mapping[str, int]
    """Width in bits of each counter whose first value a plant file may set."""
    after: Callable[[int], dict[str, int]]
    """What its counters say after so many seconds of service."""
    make: Callable[[Seat], Map]
    behaviour: Behaviour
    map_id: int = 0
    """Of a map with the common header; 0 for all others, which tell no serial number."""
    watts: Mapping[State, int] = {}
    """What it draws in each state."""
    stops: tuple[Cause, ...] = ()
    faults: tuple[Cause, ...] = ()
    classes: tuple[int, ...] = ()
    """Its own stop counters, in sequence, by vendor's or stop code; what is not there moves the last one."""
    by_hand: int = 0
    """Its own code for being stopped by somebody, where it tells more than the canonical one."""
    pieces: frozenset[Counter] = frozenset()
    """The pieces that its registers count."""
    inline: bool = False
    """A piece is judged as it is made, not when somebody presses a key."""
    taught: bool = False
    """Setting up is teaching: in manual mode."""
    shows: Mapping[State, State] = {}
    """States that its registers cannot tell from another one."""
    shows_code: bool = True
    shows_order: bool = True
    volatile: bool = False
    """Its piece counter starts again at 0 when it does."""
    flow: Flow | None = None
    """Of a meter, which makes nothing and works no orders."""
    most_registers: int = 125
    """In one request."""
