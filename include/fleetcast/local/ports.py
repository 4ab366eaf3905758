"""Free ports on this machine's own address."""

import socket
from collections.abc import Sequence

HOST = "127.0.0.1"


def choose_ports(preferred: Sequence[int]) -> list[int]:
    """One free port for each preferred one: that one, or any other where it is taken.

    The ports are held until all are chosen, so no two are equal.
    """
    held = [_bind(port) for port in preferred]
    try:
        return [held_socket.getsockname()[1] for held_socket in held]
    finally:
        for held_socket in held:
            held_socket.close()


def _bind(port: int) -> socket.socket:
    for candidate in (port, 0):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            opened.bind((HOST, candidate))
            opened.listen()  # two sockets that only bind may share a port
        except OSError:
            opened.close()
        else:
            return opened
    raise OSError(f"no free port on {HOST}")
