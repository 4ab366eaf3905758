import socket

from fleetcast.local.ports import HOST, choose_ports


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_preferred_port_is_taken_when_it_is_free() -> None:
    preferred = a_free_port()
    assert choose_ports([preferred]) == [preferred]


def test_another_port_is_taken_when_somebody_serves_on_the_preferred_one() -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        taken = server.getsockname()[1]
        (chosen,) = choose_ports([taken])
    assert chosen != taken


def test_no_port_is_chosen_twice() -> None:
    preferred = a_free_port()
    assert len(set(choose_ports([preferred, preferred, preferred]))) == 3


def test_a_chosen_port_is_free_to_bind() -> None:
    (port,) = choose_ports([0])
    with socket.socket() as server:
        server.bind((HOST, port))
