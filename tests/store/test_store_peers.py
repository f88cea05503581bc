"""What the fixtures in tests/conftest.py promise to everybody's tests."""

import json
import socket
from collections.abc import Callable
from typing import Any


def test_free_ports_differ_and_can_be_bound(free_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", free_port())), socket.create_server(("127.0.0.1", free_port())):
        pass


async def test_mosquitto_comes_back_on_its_port(mosquitto: Any) -> None:
    import aiomqtt

    async with aiomqtt.Client(mosquitto.host, mosquitto.port, identifier="before") as client:
        await client.publish("kept", b"1", qos=1, retain=True)
        await client.publish("forgotten", b"", qos=1, retain=True)
    mosquitto.stop()
    assert not mosquitto.runs
    mosquitto.start()
    async with aiomqtt.Client(mosquitto.host, mosquitto.port, identifier="after") as client:
        await client.subscribe("kept")
        message = await anext(aiter(client.messages))
        assert message.payload == b"1"
        await client.publish("kept", b"", qos=1, retain=True)


def test_a_killed_mosquitto_has_forgotten(mosquitto: Any) -> None:
    mosquitto.stop()
    assert (mosquitto.directory / "mosquitto.db").exists()
    mosquitto.start()
    mosquitto.kill()
    assert not (mosquitto.directory / "mosquitto.db").exists()
    mosquitto.start()


def test_an_influx_database_is_fresh_and_survives_a_kill(influx: Any, influx_database: str) -> None:
    assert influx_database not in influx.query("SHOW DATABASES").decode()
    influx.query(f'CREATE DATABASE "{influx_database}"')
    influx.kill()
    influx.start()
    named = json.loads(influx.query("SHOW DATABASES"))["results"][0]["series"][0]["values"]
    assert [influx_database] in named


def test_a_peer_that_a_test_left_stopped_is_started_again(influx: Any) -> None:
    influx.stop()


def test_and_the_next_test_finds_it_running(influx: Any) -> None:
    assert influx.runs
