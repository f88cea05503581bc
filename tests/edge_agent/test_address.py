"""URLs of Modbus endpoints: what each means, and what is said about one that means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.address import Address, AddressError, Framing, Scheme, SerialLine, Tls, parse


def line(baud: int = 9600, parity: str = "N", stop_bits: int = 1, data_bits: int = 8) -> SerialLine:
    return SerialLine(baud=baud, parity=parity, stop_bits=stop_bits, data_bits=data_bits)


RIGHT = {
    "tcp://192.0.2.20:1502": Address(scheme=Scheme.TCP, host="192.0.2.20", port=1502),
    "tcp://192.0.2.20": Address(scheme=Scheme.TCP, host="192.0.2.20", port=502),
    "tcp://192.0.2.20/": Address(scheme=Scheme.TCP, host="192.0.2.20", port=502),
    "tcp://[2001:db8::1]:502": Address(scheme=Scheme.TCP, host="2001:db8::1", port=502),
    "tcp://gw-a.plant?baud=19200&parity=E": Address(
        scheme=Scheme.TCP, host="gw-a.plant", port=502, line=line(19_200, "E")
    ),
    "rtu+tcp://192.0.2.20:4001": Address(scheme=Scheme.RTU_TCP, host="192.0.2.20", port=4001),
    "ascii+tcp://192.0.2.20:4001?baud=9600&parity=E": Address(
        scheme=Scheme.ASCII_TCP, host="192.0.2.20", port=4001, line=line(parity="E", data_bits=7)
    ),
    "rtu:///dev/ttyUSB0?baud=9600&parity=E": Address(
        scheme=Scheme.RTU, device="/dev/ttyUSB0", line=line(parity="E")
    ),
    "rtu:///dev/serial/by-id/usb-FTDI_A1-if00?baud=115200&parity=N&stop=2": Address(
        scheme=Scheme.RTU, device="/dev/serial/by-id/usb-FTDI_A1-if00", line=line(115_200, stop_bits=2)
    ),
    "ascii:///dev/ttyS1?baud=1200&parity=O": Address(
        scheme=Scheme.ASCII, device="/dev/ttyS1", line=line(1200, "O", data_bits=7)
    ),
    "ascii:///dev/ttyS1?baud=1200&parity=N&bits=8": Address(
        scheme=Scheme.ASCII, device="/dev/ttyS1", line=line(1200)
    ),
    "rtu:///dev/ttyS1?baud=9600&parity=N&echo=1": Address(
        scheme=Scheme.RTU,
        device="/dev/ttyS1",
        line=SerialLine(baud=9600, parity="N", stop_bits=1, data_bits=8, echo=True),
    ),
    "tls://press-4.plant": Address(scheme=Scheme.TLS, host="press-4.plant", port=802, tls=Tls()),
    "tls://192.0.2.4:1802?ca=ca.pem&cert=gw1.pem&key=keys/gw1.key&name=press-4": Address(
        scheme=Scheme.TLS,
        host="192.0.2.4",
        port=1802,
        tls=Tls(ca="ca.pem", cert="gw1.pem", key="keys/gw1.key", name="press-4"),
    ),
}


@pytest.mark.parametrize(("url", "address"), RIGHT.items(), ids=RIGHT)
def test_a_url_means(url: str, address: Address) -> None:
    assert parse(url) == address


WRONG = {
    "": "write tcp://192.0.2.20:502",
    "192.0.2.20": "write tcp://192.0.2.20:502",
    "http://192.0.2.20": "or begin with one of tls://, rtu+tcp://, ascii+tcp://, rtu://, ascii://",
    "TCP://192.0.2.20": "write tcp://192.0.2.20:502",
    "tcp://": "name a host",
    "tcp://:502": "name a host",
    "tcp://host:0": "name the port",
    "tcp://host:65536": "1 to 65535",
    "tcp://host:modbus": "1 to 65535",
    "tcp://[2001:db8::1": "in brackets",
    "tcp://host:502/unit/1": "nothing else before the ?",
    "tcp://user:secret@host:502": "nothing else before the ?",
    "tcp://host?baud=9600": "baud and parity go together",
    "tcp://host?parity=N": "baud and parity go together",
    "tcp://host?ca=ca.pem": "'ca' is not known here; after the ? may stand baud, bits, parity, stop",
    "tcp://host?baud=9600&baud=19200&parity=N": "once",
    "tcp://host?baud=&parity=N": "give baud a value",
    "rtu+tcp://192.0.2.20": "name the port of the gateway: rtu+tcp://192.0.2.20:4001",
    "rtu://dev/ttyUSB0?baud=9600&parity=N": "three slashes: rtu:///dev/ttyUSB0",
    "rtu:///": "three slashes",
    "rtu:///dev/ttyUSB0": "give the speed and the parity: rtu:///dev/ttyUSB0?baud=9600&parity=N",
    "rtu:///dev/ttyUSB0?baud=9600": "baud and parity go together",
    "rtu:///dev/ttyUSB0?baud=fast&parity=N": "baud is a number from 300 to 4000000",
    "rtu:///dev/ttyUSB0?baud=9600&parity=even": "parity is N (none), E (even) or O (odd)",
    "rtu:///dev/ttyUSB0?baud=9600&parity=N&stop=3": "stop is a number from 1 to 2",
    "rtu:///dev/ttyUSB0?baud=9600&parity=N&bits=7": "bits=7 is for ASCII frames only",
    "rtu:///dev/ttyUSB0?baud=9600&parity=N&bits=9": "bits is a number from 7 to 8",
    "rtu:///dev/ttyUSB0?baud=9600&parity=N&echo=2": "echo is a number from 0 to 1",
    "tcp://host?baud=9600&parity=N&echo=1": "'echo' is not known here",
    "tls://host?cert=gw1.pem": "go together",
    "tls://host?key=gw1.key": "go together",
}


@pytest.mark.parametrize(("url", "says"), WRONG.items(), ids=WRONG)
def test_a_url_that_means_nothing_is_told_how_to_be_written(url: str, says: str) -> None:
    with pytest.raises(AddressError) as wrong:
        parse(url)
    assert says in str(wrong.value)


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: f"rtu://{text}"))
def test_no_text_whatever_breaks_it(text: str) -> None:
    try:
        parse(text)
    except AddressError as error:
        assert str(error)  # noqa: PT017  any text may be one or the other


@pytest.mark.parametrize(
    ("scheme", "framing"),
    list(zip(Scheme, ["mbap", "mbap", "rtu", "ascii", "rtu", "ascii"], strict=True)),
)
def test_each_scheme_has_its_framing(scheme: Scheme, framing: str) -> None:
    assert scheme.framing is Framing(framing)


def test_people_read_where_it_is_and_never_what_is_in_the_files() -> None:
    told = str(parse("tls://[2001:db8::1]?ca=ca.pem&cert=a.pem&key=a.key"))
    assert told == "tls://[2001:db8::1]:802"
    assert str(parse("rtu:///dev/ttyUSB0?baud=9600&parity=E")) == "rtu:///dev/ttyUSB0, 9600 baud 8E1"
    assert str(parse("tcp://gw?baud=9600&parity=N")) == "tcp://gw:502, 9600 baud 8N1 behind it"


@pytest.mark.parametrize(
    ("parity", "stop_bits", "data_bits", "bits"),
    [("N", 1, 8, 10), ("E", 1, 8, 11), ("N", 2, 8, 11), ("E", 1, 7, 10)],
)
def test_a_byte_on_the_wire_has_so_many_bits(parity: str, stop_bits: int, data_bits: int, bits: int) -> None:
    assert line(9600, parity, stop_bits, data_bits).bits == bits
