#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The speed of vifront compared with xen-netfront: same boot, same guest, same back end (vifd's software switch).
#
#     g1 (vifront, xen-netfront, in turns) --- vifd --- g2 (vifront)
. /bed/lib.sh
: "${FRONT_MB:=4}"
. /bed/scenarios/frontend_vifd_lib

: "${FRONT_ROUNDS:=5}"
: "${FRONT_S:=3}" # seconds of one measurement

# pktgen FROM TO: prints the commands that make FROM send 64-byte frames (60 plus FCS) to TO's MAC for FRONT_S seconds
pktgen()
{
	local mac

	mac=$(guest_run "$2" "cat /sys/class/net/eth0/address")
	guest_run "$1" "modprobe pktgen; cd /proc/net/pktgen; echo rem_device_all >kpktgend_0; echo add_device eth0 >kpktgend_0
		for w in 'count 0' 'clone_skb 1000' 'delay 0' 'pkt_size 60' 'dst $(guest_ip "$2")' 'dst_mac $mac'; do echo \$w >eth0; done
		(sleep $FRONT_S; echo stop >pgctrl) & echo start >pgctrl; sleep 0.3
		sed -n 's/ *\\([0-9]*\\)pps.*/\\1/p' eth0" | awk 'END { printf "%.1f", $1 / 1000 }'
}

rx_packets() { guest_run g1 "cat /sys/class/net/eth0/statistics/rx_packets"; }

measure_tx_64() { pktgen g1 g2; }

measure_rx_64()
{
	local before sent

	before=$(rx_packets)
	sent=$(pktgen g2 g1)
	awk "BEGIN { printf \"%.1f\", ($(rx_packets) - $before) / 1000 / $FRONT_S }"
	echo "g2 sent $sent kpps" >>/run/rx.txt
}

# iperf REVERSE: Mbit/s between g1 and g2's server
iperf()
{
	guest_run g1 "iperf3 -c $SERVER_IP -t $FRONT_S -f m $1 2>&1" |
		awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") mbps = $i }
		     END { print mbps == "" ? 0 : mbps }'
}
measure_tcp_out() { iperf ""; }
measure_tcp_in() { iperf -R; }

in_software()
{
	move_guest g1 software
	move_guest g2 software
}

# median of the numbers given
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

without=0 # rounds in which vifront had none
declare -A seen=()
round()
{
	local drivers="vifront xen-netfront" driver key value

	[ $(($1 % 2)) = 1 ] || drivers="xen-netfront vifront" # so that neither driver always runs first
	for driver in $drivers; do
		front_driver_is g1 $driver
		in_software
		[ $driver != vifront ] || wait_for 60 "static grants" has_static_grants || without=$((without + 1))
		for key in $KEYS; do
			value=$(measure_$key)
			say "round $1: $driver $key $value"
			seen[$driver,$key]="${seen[$driver,$key]:-} $value"
		done
	done
}

KEYS="tx_64 rx_64 tcp_out tcp_in"
vifd_bed
vifd_guests vifront vifront
guest_run g2 "iperf3 -s -D"
for n in $(seq "$FRONT_ROUNDS"); do
	round "$n"
	# report the figures on a machine of any speed
	[ "$(bed_seconds)" -lt $((BED_TIMEOUT * 2 / 3)) ] || break
done
check rounds "$n" ">= 1"
check rounds_without_static_grants "$without" "== 0"
for key in $KEYS; do
	unit=kpps target=">= 1.0"
	[[ $key == *_64 ]] || unit=Mbit/s
	[ $key != tx_64 ] || target=">= 1.5" # static grants
	# shellcheck disable=SC2086
	ours=$(median ${seen[vifront,$key]}) theirs=$(median ${seen[xen-netfront,$key]})
	figure "${key}_vifront" "$ours" "" $unit
	figure "${key}_xen_netfront" "$theirs" "" $unit
	check "${key}_vs_xen_netfront" "$(awk "BEGIN { print ($theirs > 0 ? $ours / $theirs : 0) }")" "$target"
done
cp /run/rx.txt /results/
vifd_end
