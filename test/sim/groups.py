#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams to multicast groups, on eth0.

Usage: groups.py listen GROUP...        prints "GROUP NUMBER" for each that comes
       groups.py send COUNT GROUP...    sends COUNT to each
"""
import selectors
import socket
import struct
import sys
import time

PORT = 9999
INDEX = struct.pack("@I", socket.if_nametoindex("eth0"))


def family_of(group):
    return socket.AF_INET6 if ":" in group else socket.AF_INET


def listen(groups):
    selector = selectors.DefaultSelector()
    for group in groups:
        sock = socket.socket(family_of(group), socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((group, PORT))
        address = socket.inet_pton(sock.family, group)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address + INDEX)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, address + bytes(4) + INDEX)
        selector.register(sock, selectors.EVENT_READ, group)
    print("listening", flush=True)
    while True:
        for key, _ in selector.select():
            print(key.data, key.fileobj.recv(64).decode(), flush=True)


def send(count, groups):
    socks = {group: socket.socket(family_of(group), socket.SOCK_DGRAM) for group in groups}
    for sock in socks.values():
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, INDEX)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + INDEX)
    for number in range(count):
        for group, sock in socks.items():
            sock.sendto(str(number).encode(), (group, PORT))
        time.sleep(0.01)
    time.sleep(0.5)


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "listen":
        listen(sys.argv[2:])
    elif len(sys.argv) > 3 and sys.argv[1] == "send":
        send(int(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__.strip())


main()
