#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock guest on a VF with DPDK's own driver in a PV dom0, with memory from Xen; compared with other drivers.
#
#     g1 --- VF --- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, a peer that answers pings
#     g2 --- xen-netback, bridge --- PF; at the end
#
# BED_ROUNDS says how often vifd is killed under traffic.
# wants memcheck vf_smoke
. /bed/lib.sh

EXTENTS=48
DOM0_PATTERN_MB=200
GUEST_PATTERN_MB=48
GUEST_MEMORY=224
GUEST_ARGS="xen_netfront.max_queues=2"
: "${NATIVE_SEED:=$RANDOM}"

free_mb() { xl info free_memory; }
config() { vifd_config '[daemon]' 'workers = 1' "memory_mb = $((EXTENTS * 2))" '[nic bed]' "pf = $PF" "uplink = $PF" "driver = $1" 'vf_queues = 2'; }
memory_is_back() { [ "$(free_mb)" -ge "$before" ]; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
value_of() { printf '%s\n' "$2" | sed -n "s/.*\b$1 \([0-9]*\).*/\1/p"; }
ratio() { awk -v n="$1" -v d="$2" 'BEGIN { if (d > 0) printf "%.2f", n / d; else print "unknown" }'; }
greater() { awk -v a="$1" -v b="$2" 'BEGIN { print (a + 0 > b + 0 ? a : b) }'; }

# ports DRIVER: measures two VFs without guests; the best of three rounds counts
ports() { timeout 120 /bed/vf_smoke "$PF" 2 "$PEER" "$1" speed >"/results/ports-$1.log" 2>&1; }
best() { awk -v what="$2" '$1 == what && $2 > best { best = $2 } END { print best + 0 }' "/results/ports-$1.log"; }

ports_compared()
{
	local what

	for what in tx_64 rx_64; do
		detail "af_packet_${what}_pps" "$(best netdev $what)"
		detail "native_${what}_pps" "$(best native $what)"
		check "native_vs_af_packet_$what" "$(ratio "$(best native $what)" "$(best netdev $what)")" ">= 2"
	done
}

shown() { vifctl show "$(guest_domid g1).0" | awk -v key="$1" '$0 ~ "^" key " " { print $2 }'; }

# sent_by: prints the frames sent by each of g1's queues
sent_by() { vifctl show "$(guest_domid g1).0" | awk '$1 == "tx_packets" && NF == 4 { print $3, $4 }'; }

# Many flows: each uses one of the guest's queues, and so one of the VF's
pairs()
{
	local port flows sent0 sent1 now0 now1

	check pairs "$(shown port_queues)" "== 2"
	check guest_queues "$(shown queues)" "== 2"
	read -r sent0 sent1 <<<"$(sent_by)"
	# shellcheck disable=SC2154 # of lib.sh
	port=$((BED_IPERF_PORT + guest_number[g1] % BED_IPERF_SERVERS))
	flows=$(guest_run g1 "iperf3 -c $OUTSIDE -p $port -P 8 -t 4 -i 0 -f k 2>&1 | grep receiver")
	read -r now0 now1 <<<"$(sent_by)"
	check pair_0_sent $((now0 - sent0)) "> 20" frames
	check pair_1_sent $((now1 - sent1)) "> 20" frames
	# a flow whose pair does not send makes no progress
	check pairs_flows "$(awk '!/SUM/ && $5 > 0' <<<"$flows" | grep -c .)" "== 8"
	check pairs_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
}

# tcp_twice NAME out|in: the better of two runs
tcp_twice() { greater "$(tcp_mbps "$1" "$2" 4)" "$(tcp_mbps "$1" "$2" 4)"; }

# cost NAME: prints this counter per thousand frames of g1, from vifctl
cost() { vifctl show "$(guest_domid g1).0" | awk -v name="$1" '/^per_1000_frames/ { on = 1 } on && $1 == name { print $2; exit }'; }

pattern_into_guests()
{
	mkdir -p /run/add/usr/bin
	cp /bed/memcheck /run/add/usr/bin/
	(cd /run/add && echo ./usr/bin/memcheck | cpio -o -H newc 2>/dev/null | gzip -1 >>/boot/guest.cpio.gz)
}

guest_filled() { guest_run g1 'cat /tmp/mem' | grep -q filled; }

patterns_start()
{
	/bed/memcheck $DOM0_PATTERN_MB >/run/mem 2>&1 &
	pattern_pid=$!
	guest_run g1 "memcheck $GUEST_PATTERN_MB >/tmp/mem 2>&1 &"
	wait_for 60 "dom0's pattern" grep -q filled /run/mem
	wait_for 60 "g1's pattern" guest_filled
}

# Sets changed to the number of changed bytes; unknown if a pattern was not checked.
patterns_end()
{
	local here there

	kill -TERM $pattern_pid
	wait $pattern_pid
	here=$(value_of changed "$(cat /run/mem)")
	guest_run g1 'killall -TERM memcheck; while pidof memcheck >/dev/null; do sleep 0.1; done' >/dev/null
	there=$(value_of changed "$(guest_run g1 'cat /tmp/mem')")
	say "bytes changed: '$here' in dom0, '$there' in g1"
	changed=unknown
	[ -z "$here" ] || [ -z "$there" ] || changed=$((here + there))
}

# Traffic both ways, until it is ended
traffic_start()
{
	# shellcheck disable=SC2154 # of lib.sh
	guest_run g1 "pingcheck -c 60000 -i 20 $PEER >/tmp/pings 2>&1 &
		iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + guest_number[g1] % BED_IPERF_SERVERS)) -t 3000 --bidir >/tmp/tcp 2>&1 &"
}

traffic_end()
{
	guest_run g1 'killall iperf3; killall -TERM pingcheck; while pidof pingcheck >/dev/null; do sleep 0.1; done; cat /tmp/pings' |
		grep '^sent'
}

# kill -9 at a random moment; every second time only once the VF carries frames
crashes()
{
	local round offset on_vf=0 adopted=0 lost=0 running line

	RANDOM=$NATIVE_SEED
	detail seed "$NATIVE_SEED"
	running=$(free_mb)
	patterns_start
	traffic_start
	for ((round = 1; round <= BED_ROUNDS; round++)); do
		[ $((round % 2)) = 0 ] || wait_for 40 "g1 on a VF" vif_path_is g1 vf
		sleep "$((RANDOM % 3)).$((RANDOM % 10))$((RANDOM % 10))"
		! vif_path_is g1 vf || on_vf=$((on_vf + 1))
		offset=$(log_size /run/vifd.log)
		vifd_stop KILL
		vifd_start
		! said_since /run/vifd.log "$offset" "$EXTENTS extents were left" || adopted=$((adopted + 1))
		lost=$((running - $(free_mb) > lost ? running - $(free_mb) : lost))
	done
	wait_for 40 "g1 on a VF again" vif_path_is g1 vf
	sleep 2
	line=$(traffic_end)
	say "pings of g1: $line"
	figure crashes "$BED_ROUNDS" "" kills
	# each odd round waited for a VF
	check crashes_on_vf $on_vf ">= $(((BED_ROUNDS + 1) / 2))"
	check memory_adopted $adopted "== $BED_ROUNDS"
	check memory_not_returned $lost "< 2" MiB
	check crash_pings_sent "$(value_of sent "$line")" "> 100"
	check crash_pings_received "$(value_of received "$line")" ">= $(($(value_of sent "$line") / 10))"
	# frames that vifd had sent but not answered when it was killed are sent again
	check crash_pings_doubled "$(value_of duplicated "$line")" "<= $((BED_ROUNDS * 64))"
	check crash_pings_false "$(value_of bogus "$line")" "== 0"
	figure crash_gap_ms_max "$(value_of gap_ms "$line")" "" ms
	check ping_lost_after_crashes "$(ping_lost g1 $PEER 20)" "== 0"
	patterns_end
	check bytes_changed "$changed" "== 0"
}

set_numvfs() { echo "$1" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs"; }

# The VFs are removed while DPDK's driver has one of them.
taken_away()
{
	local pid offset

	set_numvfs 0 &
	pid=$!
	check_true removed_vf_is_left wait_for 20 "g1 in software" vif_path_is g1 software
	check_true removed_vf_is_not_held wait_for 20 "the kernel's end" process_is_gone $pid
	sleep 1
	check removed_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
	# shellcheck disable=SC2154 # of lib.sh
	check_true removed_vifd_lives vifd_lives
	offset=$(log_size /run/vifd.log)
	set_numvfs "$BED_VFS"
	check_true new_vf_is_used wait_for 40 "g1 on a VF" vif_path_is g1 vf
	check_true new_vf_is_native said_since /run/vifd.log "$offset" 'has VF .*(native)'
	sleep 2
	check new_vf_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
}

netback_compared()
{
	local direction mbps
	declare -A native=([out]=$1 [in]=$2)

	bed_bridge_setup
	bed_filter_add 00:16:3e:00:00:02
	guest_start g2 00:16:3e:00:00:02 bridge=xenbr0,script=vif-bridge || die "g2 did not start"
	check netback_ping_lost "$(ping_lost g2 $PEER 20)" "== 0"
	for direction in out in; do
		mbps=$(tcp_twice g2 $direction)
		check "netback_tcp_$direction" "$mbps" "> 1" Mbit/s
		figure "native_vs_netback_tcp_$direction" "$(ratio "${native[$direction]}" "$mbps")" ">= 2" ""
	done
	guest_stop g2
}

bed_nic_setup
modprobe uio_pci_generic
if [ -x /bed/vf_smoke ]; then
	ports netdev
	check ports_by_netdev_status $? "== 0"
fi
config native
vifd_start
# dom0 has its maximum, so there is no room for VFs' memory; the log says so and names the remedy
check_true no_room_falls_back grep -q "make room below this domain's maximum" /run/vifd.log
check_true no_room_keeps_netdevs test "$(driver_of 0000:01:10.0)" = igbvf
vifd_stop
bed_make_room 140
sleep 2
before=$(free_mb)
if [ -x /bed/vf_smoke ]; then
	ports native
	check ports_native_status $? "== 0"
	ports_compared
	check ports_memory_back $((before - $(free_mb))) "< 2" MiB
fi
vifd_start
check_true memory_from_xen grep -q "packet memory: xen, $EXTENTS extents" /run/vifd.log
check memory_taken $((before - $(free_mb))) ">= $((EXTENTS * 2))" MiB
pattern_into_guests
guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
wait_for 30 "g1 on a VF" vif_path_is g1 vf || tail -n 20 /run/vifd.log
check native_vfs "$(grep -c 'has VF .*(native)' /run/vifd.log)" "== 1"
sleep 2
check peer_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
tcp_out=$(tcp_twice g1 out)
check native_tcp_out "$tcp_out" "> 1" Mbit/s
tcp_in=$(tcp_twice g1 in)
check native_tcp_in "$tcp_in" "> 1" Mbit/s
vifctl show "$(guest_domid g1).0" >/results/show.txt
figure copies_per_1000_frames "$(cost copies)" "" copies
figure hypercalls_per_1000_frames "$(($(cost copy_calls) + $(cost notify)))" "" hypercalls
pairs
crashes
vifd_stop
check stop_status $? "== 0"
check_true driver_back test "$(driver_of 0000:01:10.0)" = igbvf
vifd_start
wait_for 30 "g1 on a VF" vif_path_is g1 vf
taken_away
guest_stop g1
vifd_stop
wait_for 10 "the memory back" memory_is_back
check extents_lost $(((before - $(free_mb)) / 2)) "== 0"
netback_compared "$tcp_out" "$tcp_in"
finish
