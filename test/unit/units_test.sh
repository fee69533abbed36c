#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# systemd's own verdict on the units as they are installed, beside units with Xen's names and order.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
units=$work/usr/lib/systemd/system
passed=0 failed=0

# xen_unit NAME LINE: a unit of Xen's, with its order (tools/hotplug/Linux/systemd there)
xen_unit() { printf '[Unit]\n%s\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' "$2" >"$units/$1"; }

install_units() {
	toolstack-hooks/install "$work/none" "$work" /usr
	# what they start is not on this machine
	sed -i 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$units"/*.service
	xen_unit xenstored.service ''
	xen_unit xen-init-dom0.service After=xenstored.service
	xen_unit xendomains.service 'After=xenstored.service xen-init-dom0.service network-online.target'
	xen_unit xendriverdomain.service ''
}

verify() { SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no "$units"/*.service "$units"/*.socket 2>&1; }

# starts_before FIRST SECOND: the contrary, as an admin may add it, is impossible
starts_before() {
	local said
	mkdir -p "$units/$2.d"
	printf '[Unit]\nBefore=%s\n' "$1" >"$units/$2.d/test.conf"
	said=$(verify) || true
	rm -r "$units/$2.d"
	[[ $said == *'Found ordering cycle on'* ]]
}

fact() {
	local name=$1
	shift
	if "$@"; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "failed: $name"
	fi
}

nothing_is_wrong() {
	local said
	said=$(verify) || true
	echo -n "$said"
	[ -z "$said" ]
}

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd-analyze is missing; remedy: make deps"
	exit 1
fi
install_units
fact systemd_finds_nothing_wrong nothing_is_wrong
fact vifd_starts_before_guests starts_before vifd.service xendomains.service
fact vifd_starts_after_the_store starts_before xenstored.service vifd.service
fact vifd_starts_before_its_own_devd starts_before vifd.service vifd-devd.service
fact vifd_starts_before_xens_devd starts_before vifd.service xendriverdomain.service
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
