#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests ports, switch and uplink on a veth pair, in its own network namespace.
# Needs root; prints "N passed, N failed".
set -eu

cd "$(dirname "$0")/../.."
build=${BUILD:-build}

if [ "${1:-}" = --help ]; then
	sed -n '3,4s/^# //p' "$0"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "skip: port_smoke needs root for network namespaces"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ "${1:-}" != --inside ]; then
	objects=$(find backend/port backend/base -name '*.c' | sed "s|^|$build/|; s|c\$|o|" | tr '\n' ' ')
	objects="$objects $build/backend/dma/eal.o"
	# shellcheck disable=SC2086 # a list of files
	make -s BUILD="$build" $objects "$build/backend/log.o"
	mkdir -p "$build/test/smoke"
	# shellcheck disable=SC2046,SC2086 # lists of flags
	${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -O1 -g ${SANITIZE:+-fsanitize=$SANITIZE} -Wall -Wextra -Ibackend \
		$(pkg-config --cflags libdpdk libmnl) test/smoke/port_smoke.c $objects \
		"$build/backend/log.o" $(pkg-config --libs libdpdk libmnl) -lpthread \
		-o "$build/test/smoke/port_smoke"
	exec unshare -n -- "$0" --inside
fi
for knob in /proc/sys/net/ipv6/conf/default /proc/sys/net/ipv6/conf/all; do
	echo 1 >"$knob/disable_ipv6"
done
ip link set lo up
ip link add u0 type veth peer name p0
ip link set u0 up
ip link set p0 up
exec timeout 60 "$build/test/smoke/port_smoke"
