"""Joins Hyper-V's sockets to a hub on Windows, where Node.js does not know them: docs/hyper-v.md.

hyperv.py listen SERVICE HOST:PORT   each connection of a machine to SERVICE goes on to HOST:PORT, as a hub's
hyperv.py dial MACHINE SERVICE       standard input and output are one connection, for exec:

SERVICE is a GUID, or a port number of vsock. MACHINE is a GUID of Get-VM, or `parent` in a guest. Python 3.12 or newer.
A connection that breaks may look ended to the other side; between nodes and hubs TLS notices that.
"""

import os
import socket
import sys
import threading
import time
import uuid

CHUNK = 64 * 1024
CONNECT_MS = 10_000


def service_guid(text):
    """vsock's ports have the GUIDs of one template."""
    if text.isdigit():
        return f"{int(text):08x}-facb-11e6-bd58-64006a7986d3"
    return str(uuid.UUID(text))


def machine_guid(text):
    return socket.HV_GUID_PARENT if text == "parent" else str(uuid.UUID(text))


def hyperv_socket():
    return socket.socket(socket.AF_HYPERV, socket.SOCK_STREAM, socket.HV_PROTOCOL_RAW)


def end_writing(to):
    try:
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def copy(source, to, broken):
    """Until the source's end, which is told on; `broken` where either side breaks."""
    try:
        while data := source.recv(CHUNK):
            to.sendall(data)
    except OSError:
        broken()
    else:
        end_writing(to)


def serve(inner, host, port):
    try:
        outer = socket.create_connection((host, port), CONNECT_MS / 1000)
    except OSError as error:
        print(f"hyperv: {host}:{port}: {error}", file=sys.stderr)
        inner.close()
        return
    outer.settimeout(None)

    def broken():
        # Wakes the copy of the other direction, whose sockets are closed below.
        for each in (inner, outer):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    back = threading.Thread(target=copy, args=(outer, inner, broken), daemon=True)
    back.start()
    copy(inner, outer, broken)
    back.join()
    inner.close()
    outer.close()


def listen(service, where):
    host, _, port = where.rpartition(":")
    if not host:
        raise ValueError(f"{where} is not HOST:PORT")
    target = (host.strip("[]"), int(port))
    listener = hyperv_socket()
    listener.bind((socket.HV_GUID_WILDCARD, service))
    listener.listen()
    print(f"hyperv: {service} leads to {where}", file=sys.stderr, flush=True)
    while True:
        try:
            inner, _ = listener.accept()
        except OSError as error:
            # One that was gone already, or too many at once.
            print(f"hyperv: a connection was not taken: {error}", file=sys.stderr)
            time.sleep(1)
            continue
        threading.Thread(target=serve, args=(inner, *target), daemon=True).start()


def dial(machine, service):
    connection = hyperv_socket()
    # Windows waits for minutes otherwise.
    connection.setsockopt(socket.HV_PROTOCOL_RAW, socket.HVSOCKET_CONNECT_TIMEOUT, CONNECT_MS)
    connection.connect((machine, service))

    def send_input():
        try:
            while data := os.read(0, CHUNK):
                connection.sendall(data)
        except OSError:
            os._exit(1)
        end_writing(connection)

    sending = threading.Thread(target=send_input, daemon=True)
    sending.start()
    while data := connection.recv(CHUNK):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(1, rest) :]
    os.close(1)
    sending.join()


def main(words):
    if len(words) != 3 or words[0] not in ("listen", "dial"):
        sys.exit(__doc__)
    if not hasattr(socket, "AF_HYPERV"):
        sys.exit("hyperv: needs Windows and Python 3.12 or newer")
    try:
        if words[0] == "listen":
            listen(service_guid(words[1]), words[2])
        else:
            dial(machine_guid(words[1]), service_guid(words[2]))
    except (OSError, ValueError) as error:
        sys.exit(f"hyperv: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
