#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's DPDK driver as it is installed: the example application is built with pkg-config alone, and has
# the driver; so has any application that loads the drivers of DPDK's folder.
set -eu

cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
passed=0 failed=0
check() {
	local name=$1
	shift
	if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "MISS $name"; fi
}
finish() { echo "$passed passed, $failed failed, ${1:-0} skipped"; exit $((failed > 0)); }

if [ ! -x "$BUILD/frontend/dpdk/xenfront-example" ]; then
	echo "skip pmd_install: $(make -s guest-dpdk)"
	finish 1
fi
dir=$(mktemp -d /tmp/vifd-install.XXXXXX)
trap 'rm -rf "$dir"' EXIT

installs() { make -s install-guest-dpdk DESTDIR="$dir" >"$dir/log" 2>&1; }
# What pkg-config says of the driver is about the folders that it will be in
cc_words() {
	PKG_CONFIG_PATH=$(dirname "$(find "$dir" -name net_xenfront.pc)") pkg-config --cflags --libs libdpdk net_xenfront |
		sed "s#\(-L\|rpath,\)\([^ ]*/pmds-\)#\1$dir\2#g"
}
builds() {
	local words
	read -ra words <<<"$(cc_words)"
	gcc -Wall -Werror -o "$dir/example" frontend/dpdk/example/main.c "-I$dir/usr/include" "${words[@]}"
}
has_driver() { "$dir/example" --no-huge -m 16 --no-pci --no-telemetry --no-shconf -l 0 --vdev net_xenfront0,vif=x 2>&1 | grep -q 'vif=x: wanted'; }
# pmdinfo, which usertools read, has name and arguments
has_info() { strings "$(find "$dir" -name 'librte_net_xenfront.so.*')" | grep -q 'copybreak=<bytes>'; }
releases() { "$(find "$dir" -name net_xenfront-release)" 2>&1 | grep -q '^usage: net_xenfront-release VIF'; }

check installs installs
check "an application is built by pkg-config" builds
check "it has the driver" has_driver
check "the driver names its arguments" has_info
check "net_xenfront-release is there" releases
check "so is the manual" test -s "$dir/usr/share/man/man7/net_xenfront.7"
finish
