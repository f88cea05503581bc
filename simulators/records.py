"""A plant as its file describes it: what is known before anything happens. Offsets are ms after the start."""

from collections.abc import Mapping

from msgspec import Struct

from simulators.codes import Kind

Address = tuple[str, int, int]
"""Where a machine answers: host, TCP port, unit id."""


class Tenant(Struct, frozen=True, kw_only=True):
    id: str
    name_en: str
    name_zh: str


class Order(Struct, frozen=True, kw_only=True):
    id: str
    """Decimal digits; the machine's order register holds the same number."""
    tenant: str
    article: str
    pieces: int
    """Wanted from each machine that has the order."""
    piece_ms: int
    """Mean time of one piece while the machine runs."""
    machines: tuple[str, ...]
    due_ms: int | None
    mesh: int | None = None
    """Picks per inch, of cloth from a loom."""

    @property
    def number(self) -> int:
        """The value of the order register."""
        return int(self.id)

    @property
    def wanted(self) -> int:
        """Pieces wanted from all machines together."""
        return self.pieces * len(self.machines)


class Lease(Struct, frozen=True, kw_only=True):
    machine: str
    tenant: str
    from_ms: int
    until_ms: int
    """Exclusive."""


class Behaviour(Struct, frozen=True, kw_only=True):
    """How a machine misbehaves. Rates are per hour of running, shares are per piece."""

    stops_per_hour: float
    faults_per_hour: float
    maint_per_hour: float
    restarts_per_hour: float
    """Controller restarts, per hour of the shift."""
    scrap_share: float
    rework_share: float
    setup_s: float
    """Median of a set-up."""
    test_share: float
    """Share of orders that begin with a sampling run."""
    jitter: float
    """Standard deviation of a piece's time, as a share of its mean."""


class Machine(Struct, frozen=True, kw_only=True):
    name: str
    kind: Kind
    unit: int
    """Modbus unit id."""
    group: int
    """Machines of one group number answer behind one TCP port."""
    port: int
    """0: the kernel picks one."""
    serial: int
    behaviour: Behaviour
    initial: Mapping[str, int]
    """Counter values at the start, by register name; what is not named gets a plausible random one."""
    profile: str
    """What an agent calls its register map."""


class Plant(Struct, frozen=True, kw_only=True):
    name: str
    site: str
    area: str
    timezone: str
    seed: int
    duration_ms: int
    quiet_ms: int
    """No produced, scrap or rework counter moves nearer than this to a change of order or lease."""
    poll_ms: int
    """The poll period the plant is meant for, in plant time: a hint for whoever configures an agent."""
    tenants: tuple[Tenant, ...]
    orders: tuple[Order, ...]
    leases: tuple[Lease, ...]
    """One per machine and lease, sorted by machine and start; those of one machine do not overlap."""
    machines: tuple[Machine, ...]

    def leases_of(self, machine: str) -> tuple[Lease, ...]:
        return tuple(lease for lease in self.leases if lease.machine == machine)

    def orders_of(self, machine: str) -> tuple[Order, ...]:
        """In the sequence of the file, which is the sequence in which they are worked."""
        return tuple(order for order in self.orders if machine in order.machines)

    def order(self, order_id: str) -> Order | None:
        return next((order for order in self.orders if order.id == order_id), None)
