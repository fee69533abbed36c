#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Three stock guests, two on VFs with DPDK's own driver and one on the software path, reach each other; then a VF is reused.
#
#     g1 --- VF --+
#     g2 --- VF --+-- igb --- wire --- 10.0.2.2, an iperf3 server on the machine's loopback
#     g3 --- switch of vifd --- PF     10.0.2.9, a peer that answers pings
. /bed/lib.sh

guests="g1 g2 g3"
declare -A mac=([g1]=00:16:3e:00:00:01 [g2]=00:16:3e:00:00:02 [g3]=00:16:3e:00:00:03) \
	path=() vf=() ping_lost=() out=() in=()

on_path()
{
	local name count=0

	for name in $guests; do
		[ "${path[$name]}" != "$1" ] || count=$((count + 1))
	done
	echo $count
}

# A vif starts on the software path and moves as soon as its VF is ready.
enough_on_vf()
{
	local name count=0

	for name in $guests; do
		[ "$(vif_key "$name" path)" != vf ] || count=$((count + 1))
	done
	[ $count = 2 ]
}

start_guests()
{
	local name

	for name in $guests; do
		guest_create "$name" "${mac[$name]}" || die "$name was not created"
		say "$name is created"
	done
	for name in $guests; do
		guest_ready "$name" || die "$name did not boot"
	done
	wait_for 30 "two guests on a VF" enough_on_vf
	for name in $guests; do
		path[$name]=$(vif_key "$name" path)
		vf[$name]=$(vif_key "$name" vf)
		say "$name is up: path ${path[$name]} ${vf[$name]}"
	done
}

measure_outside()
{
	local name

	for name in $guests; do
		ping_lost[$name]=$(ping_lost "$name" $PEER 20)
		out[$name]=$(tcp_mbps "$name" out)
		in[$name]=$(tcp_mbps "$name" in)
		say "$name: ${ping_lost[$name]} of 20 pings lost, ${out[$name]} Mbit/s out, ${in[$name]} in"
	done
}

pairs_reachable()
{
	local from to lost reached=0

	for from in $guests; do
		for to in $guests; do
			[ "$from" != "$to" ] || continue
			lost=$(ping_lost "$from" "$(guest_ip "$to")" 10)
			[ "$lost" = 0 ] && reached=$((reached + 1))
			say "$from to $to: $lost of 10 pings lost" >&2
		done
	done
	echo $reached
}

# One guest on a VF goes; a new guest must get its VF.
hand_over()
{
	local old= name

	for name in $guests; do
		[ "${path[$name]}" != vf ] || old=$name
	done
	[ -n "$old" ] || { check vf_reused false true; return; }
	guest_stop "$old"
	say "$old is shut down, VF ${vf[$old]} must be free"
	guest_start g4 00:16:3e:00:00:04 || say "g4 did not start"
	wait_for 30 "a VF for g4" vif_path_is g4 vf
	say "g4 is up: path $(vif_key g4 path) $(vif_key g4 vf)"
	check_true vf_reused test "$(vif_key g4 vf)" = "${vf[$old]}"
	check reused_vf_ping_lost "$(ping_lost g4 $PEER 10)" "== 0"
}

guest_json()
{
	printf '{"name": "%s", "mac": "%s", "path": "%s", "vf": "%s", "ping_lost": %s, "tcp_out_mbps": %s, "tcp_in_mbps": %s}' \
		"$1" "${mac[$1]}" "${path[$1]}" "${vf[$1]}" "$(json_value "${ping_lost[$1]}")" "${out[$1]}" "${in[$1]}"
}

table()
{
	local name

	printf '\n%-6s %-18s %-9s %-13s %9s %10s %10s\n' guest mac path vf 'ping lost' 'out Mbit/s' 'in Mbit/s'
	for name in $guests; do
		printf '%-6s %-18s %-9s %-13s %9s %10s %10s\n' "$name" "${mac[$name]}" "${path[$name]}" \
			"${vf[$name]:--}" "${ping_lost[$name]}" "${out[$name]}" "${in[$name]}"
	done
	echo
}

bed_nic_setup
say "NIC: PF $PF, VFs $VFS"
modprobe uio_pci_generic
bed_make_room 136
vifd_config '[daemon]' 'workers = 2' '' '[nic bed]' "pf = $PF" "uplink = $PF" 'driver = native'
vifd_start
say "vifd is up"
start_guests
check guests_on_vf "$(on_path vf)" "== 2"
check guests_in_software "$(on_path software)" "== 1"
check native_vfs "$(grep -c 'has VF .*(native)' /run/vifd.log)" "== 2"
reached=$(pairs_reachable)
check pairs_reachable "$reached" "== 6"
measure_outside
for name in $guests; do
	check "${name}_ping_lost" "${ping_lost[$name]}" "== 0"
	check "${name}_tcp_out" "${out[$name]}" "> 1" Mbit/s
	check "${name}_tcp_in" "${in[$name]}" "> 1" Mbit/s
done
hand_over
detail driver "$(json_string "$(vifctl vfs | awk 'NR == 2 { print $4 == "-" ? "native" : "netdev" }')")"
detail guests "[$(guest_json g1), $(guest_json g2), $(guest_json g3)]"
table
check seconds "$(bed_seconds)" "< 240" s
finish
