"""Put first on a kernel's PYTHONPATH: no other machine can be reached, and linviz does not warn but fail."""
import socket
import warnings

warnings.filterwarnings("error", module=r"linviz\b")

connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo
HERE = ("", "localhost", "127.0.0.1", "::1", b"localhost", None)


def connect_here(self, address):
    if isinstance(address, tuple) and address[0] not in HERE:
        raise OSError(f"a notebook may not reach for another machine; this one tried {address}")
    return connect(self, address)


def look_up_here(host, *rest, **options):
    if host not in HERE:
        raise OSError(f"a notebook may not reach for another machine; this one looked up {host!r}")
    return getaddrinfo(host, *rest, **options)


socket.socket.connect, socket.getaddrinfo = connect_here, look_up_here
