"""Writes the story of one machine from a seed: queue, set-up, pieces with jitter, stops, faults, hand-overs.

The margin that keeps attribution decidable: no counter of pieces moves within `quiet_ms` of a change of
order or lease. An order starts that long after its lease does, its set-up lasts at least as long, and it is
closed so late after the last piece, and so early before the lease ends, that every counter is at rest.
"""

import math
import random
from typing import Final

from msgspec.structs import replace

from simulators import codes
from simulators.codes import State
from simulators.interrupt import Step, interruption, per_ms, seconds
from simulators.kinds import TYPES
from simulators.records import Machine, Order, Plant
from simulators.story import Judgement, Pen, Piece, Segment, Story
from simulators.windows import Window, windows

MINUTE: Final = 60_000
SLACK: Final = 1_000
"""Added to each margin, so that "within quiet_s" is never a question of one millisecond."""
MARK_S: Final = (5.0, 90.0)
"""How long after a piece the operator presses the scrap key."""
DRAWS: Final = 3
"""Towards the end of a lease one long stop in the next piece must not leave an hour unused."""
NG_BITS: Final = (0, 1, 2, 3, 4, 5, 6)


def tell(machine: Machine, plant: Plant) -> Story:
    """The same plant, machine and seed tell the same story, whatever the start instant."""
    return _Author(machine, plant).story()


class _Author:
    """One pass from left to right over the windows of a machine."""

    def __init__(self, machine: Machine, plant: Plant) -> None:
        self._machine, self._plant, self._type = machine, plant, TYPES[machine.kind]
        self._random = random.Random(f"{plant.seed}/{plant.site}/{machine.name}")
        self._margin = plant.quiet_ms + SLACK
        self._left = {order.id: order.pieces for order in plant.orders}
        self._pen = Pen()

    def story(self) -> Story:
        boots = self._boots()
        for window in windows(self._plant, self._machine.name):
            self._window(window)
        return self._pen.story(self._harmless(boots) if self._type.volatile else boots)

    def _harmless(self, boots: tuple[int, ...]) -> tuple[int, ...]:
        """A counter that forgets does so after a rest: what nobody had time to read is nobody's to know."""
        moves = [event.at for event in self._pen.events]
        return tuple(
            boot for boot in boots if not any(boot - self._plant.quiet_ms <= at <= boot for at in moves)
        )

    def _boots(self) -> tuple[int, ...]:
        rate = self._machine.behaviour.restarts_per_hour / 3_600_000
        found: list[int] = []
        at = self._gap(rate)
        while at < self._plant.duration_ms:
            found.append(round(at))
            at += 1 + self._gap(rate)
        return tuple(found)

    def _gap(self, rate: float) -> float:
        return self._random.expovariate(rate) if rate > 0 else math.inf

    def _window(self, window: Window) -> None:
        empty = Segment(start=0, end=0, state="idle", tenant=window.tenant)
        self._pen.until(min(window.end, window.start + self._margin + self._ms(0, 90)), empty)
        close_by = window.end - self._margin - self._ms(0, 60)
        for order in window.orders:
            if self._left[order.id] and self._order(order, window, close_by) and self._random.random() < 0.7:
                self._pen.write(min(self._ms(40, 420), window.end - self._pen.at), empty)
        self._rest(window, empty)

    def _rest(self, window: Window, empty: Segment) -> None:
        """Nothing to do until the window ends: idle, perhaps some care, and off if it is a long time."""
        spare = window.end - self._pen.at
        if spare > 40 * MINUTE and self._random.random() < 0.4:
            self._pen.write(self._ms(120, 600), empty)
            care = Segment(
                start=0, end=0, state="maint", stop_code=codes.PLANNED_MAINTENANCE, tenant=window.tenant
            )
            self._pen.write(self._ms(480, 1200), care)
        if window.end - self._pen.at > 30 * MINUTE and self._random.random() < 0.6:
            self._pen.write(self._ms(300, 900), empty)
            self._pen.until(window.end, Segment(start=0, end=0, state="off", tenant=window.tenant))
        self._pen.until(window.end, empty)

    def _order(self, order: Order, window: Window, close_by: int) -> bool:
        """Works an order as far as time allows, set-up to unloading; False if it is not worth starting."""
        deadline = close_by - self._margin - round(MARK_S[1] * 1000)
        work = self._like(order, window)
        preparation = self._preparation(work)
        ahead = sum(step.ms for step in preparation) + round(1.3 * order.piece_ms)
        if self._pen.at + ahead > deadline:
            return False
        self._write(preparation)
        while self._left[order.id] and self._piece(order, work, deadline):
            self._left[order.id] -= 1
        self._close(order, work, close_by)
        return True

    def _like(self, order: Order, window: Window) -> Segment:
        tenant = order.tenant if window.tenant == codes.NONE else window.tenant
        badge = 100 + self._random.randrange(60)
        return Segment(start=0, end=0, state="run", order=order.number, tenant=tenant, operator=badge)

    def _preparation(self, work: Segment) -> list[Step]:
        spend = self._machine.behaviour
        ms = max(self._margin, seconds(self._random, spend.setup_s, 0.3))
        taught = self._type.taught
        setup = Step(ms, replace(work, state="setup", manual=taught, guard_open=self._random.random() < 0.5))
        if self._random.random() >= spend.test_share:
            return [setup]
        return [setup, Step(self._ms(60, 300), replace(work, state="test"))]

    def _piece(self, order: Order, work: Segment, deadline: int) -> bool:
        """The next piece and what interrupts it; False, and nothing written, if it would end too late."""
        drawn = (self._cycle(order, work) for _ in range(DRAWS))
        fits = (steps for steps in drawn if self._pen.at + sum(step.ms for step in steps) <= deadline)
        steps = next(fits, None)
        if steps is None:
            return False
        run_from = self._pen.run_ms
        self._write(steps)
        self._judge(work, run_from)
        return True

    def _cycle(self, order: Order, work: Segment) -> list[Step]:
        """Running time is spent piecewise: the chance of an interruption has no memory."""
        spread = min(3.0, max(-3.0, self._random.gauss(0, 1))) * self._machine.behaviour.jitter
        left = max(500, round(order.piece_ms * (1 + spread)))
        steps: list[Step] = []
        while True:
            gap = self._gap(per_ms(self._machine))
            if gap >= left:
                return [*steps, Step(left, work)]
            ran = min(left - 1, round(gap))
            pause = interruption(self._random, self._machine, work, left - ran)
            steps += [Step(ran, work), *pause]
            left -= ran + sum(step.ms for step in pause if step.like.state == "run")
            if left <= 0:
                return steps

    def _judge(self, work: Segment, run_from: int) -> None:
        pen, share = self._pen, self._machine.behaviour
        draw = self._random.random()
        judgement: Judgement = "ng" if draw < share.scrap_share else "ok"
        if share.scrap_share <= draw < share.scrap_share + share.rework_share:
            judgement = "rework"
        pen.move(pen.at, "produced", work)
        if judgement != "ok":
            later = 0 if self._type.inline else self._ms(*MARK_S)
            pen.move(pen.at + later, "scrap" if judgement == "ng" else "rework", work)
        cause = 0 if judgement == "ok" else 1 << self._random.choice(NG_BITS)
        pen.pieces.append(
            Piece(
                at=pen.at,
                run_from=run_from,
                run_to=pen.run_ms,
                order=work.order,
                judgement=judgement,
                cause=cause,
            )
        )

    def _close(self, order: Order, work: Segment, close_by: int) -> None:
        """Somebody unloads, and the order register is cleared or changed when this ends."""
        done = not self._left[order.id]
        tail = self._ms(60, 600) if done else self._ms(30, 150)
        at = min(close_by, max(self._pen.at + tail, self._pen.last_move + self._margin))
        ended: State
        ended, code = ("idle", codes.TARGET_REACHED) if done else ("stop", codes.TENANT_OPERATOR)
        vendor = self._type.by_hand if ended == "stop" else 0
        self._pen.until(at, replace(work, state=ended, stop_code=code, vendor=vendor))

    def _write(self, steps: list[Step]) -> None:
        for step in steps:
            self._pen.write(step.ms, step.like)

    def _ms(self, low_s: float, high_s: float) -> int:
        return round(self._random.uniform(low_s, high_s) * 1000)
