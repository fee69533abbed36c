# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# `make sim-demo`: two guests and a host on the wire, with pings and TCP between all of them

say "xenstore, vifd and two guests, no Xen; the host is outside, on the wire of vifd's uplink"
vifd_start
for name in a b; do
	guest_create "$name" || die "guest $name: no interface"
	guest_start "$name" || die "guest $name did not connect"
	say "guest $name: domain $(domid $name), $(guest_ip $name)"
done
names="a b host" reached=0
for from in $names; do
	for to in $names; do
		[ "$from" != "$to" ] || continue
		lost=$(ping_lost "$from" "$to" 5)
		say "ping $from -> $to: $lost of 5 lost"
		[ "$lost" != 0 ] || reached=$((reached + 1))
	done
done
check pairs_reachable $reached "== 6"
for pair in "a b" "a host" "host a"; do
	# shellcheck disable=SC2086 # two words
	check "tcp ${pair/ / to }" "$(tcp_mbps $pair 2)" "> 10" Mbit/s
done
