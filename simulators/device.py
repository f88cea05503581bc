"""What a Modbus device answers to a read, or why it refuses: function codes 1 to 4 and its own limits."""

from collections.abc import Mapping, Sequence
from typing import Final

COILS, DISCRETE_INPUTS, HOLDING, INPUT = 1, 2, 3, 4
"""The function codes that read them."""

Run = tuple[int, Sequence[int]]
"""The first address, and the values from there on."""
Image = Mapping[int, Sequence[Run]]
"""What stands in each table, by function code, at one instant. What lies between its runs is not there."""

NO_FUNCTION, NO_ADDRESS, NO_SUCH_COUNT = 1, 2, 3
"""Exception codes of the Modbus Application Protocol 1.1b3, chapter 7."""
MOST_BITS: Final = 2000


class RefusedError(Exception):
    """`code` is a Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def answer(image: Image, function: int, address: int, count: int, most_registers: int = 125) -> list[int]:
    """As real devices do: first the function is judged, then the quantity, then the addresses.

    Raises RefusedError.
    """
    if function not in image:
        raise RefusedError(NO_FUNCTION)
    if not 1 <= count <= (MOST_BITS if function in (COILS, DISCRETE_INPUTS) else most_registers):
        raise RefusedError(NO_SUCH_COUNT)
    for start, values in image[function]:
        if start <= address and address + count <= start + len(values):
            return list(values[address - start : address - start + count])
    raise RefusedError(NO_ADDRESS)


def registers(words: Sequence[int]) -> Image:
    """A device that shows the same registers, from 0 on, as holding and as input registers."""
    runs = ((0, words),)
    return {HOLDING: runs, INPUT: runs}
