#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests ports on VFs: on the Xen bed's igb, or on this machine with --here PF VFS PEER-ADDRESS, which answers ARP on
# the wire. --native: with DPDK's own driver, without Xen; --native-xen: with it, on Xen. Prints "N passed, N failed".
set -eu

cd "$(dirname "$0")/../.."
build=${BUILD:-build}
out=$build/smoke/bed

if [ "${1:-}" = --help ]; then
	sed -n '3,4s/^# //p' "$0"
	exit 0
fi
objects=$(find backend/port backend/base -name '*.c' | sed "s|^|$build/|; s|c\$|o|" | tr '\n' ' ')
objects="$objects $(printf "$build/backend/%s.o " dma/config_space dma/dma dma/eal dma/override dma/pages xen/boot xen/devmap xen/dom xen/extent xen/xtl privileges)"
# shellcheck disable=SC2086 # a list of files
make -s BUILD="$build" $objects "$build/backend/log.o"
mkdir -p "$out"
# Built under the daemon's name, so that the bed takes it with its libraries and drivers.
# shellcheck disable=SC2046,SC2086 # lists of flags
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Ibackend \
	$(pkg-config --cflags libdpdk libmnl libcap-ng) test/smoke/vf_smoke.c $objects \
	"$build/backend/log.o" $(pkg-config --libs libdpdk libmnl xencall xencontrol xentoollog libcap-ng libseccomp) -lpthread -o "$out/vifd"
if [ "${1:-}" = --build ]; then
	exit 0
fi
if [ "${1:-}" = --here ]; then
	shift
	exec timeout 120 "$out/vifd" "$@"
fi
if [ "${1:-}" = --native ]; then
	VIFD_BUILD=$PWD/$out exec test/xen/run --bare --timeout 200 port_native
fi
if [ "${1:-}" = --native-xen ]; then
	VIFD_BUILD=$PWD/$out exec test/xen/run --timeout 400 port_xen
fi
VIFD_BUILD=$PWD/$out exec test/xen/run --timeout 200 port_vf
