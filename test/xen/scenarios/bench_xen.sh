#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifd beside the kernel's xen-netback with a bridge, in one boot, in turns: frames of 64 bytes, TCP, round trips,
# and what each costs dom0's processors.
#
#     g1 eth0 -+- vifd -+- VF ------------- NIC 0 --+
#     g2 eth0 -+        +- switch -- PF --/         +-- wire -- servers and the peer (wire.c)
#     g1 eth1 -+- xen-netback - bridge ---- NIC 1 --+
#     g2 eth1 -+
#
# Where a frame goes: out (guest to wire), in (wire to guest), to the other guest. Ratios are of medians over rounds;
# a ratio of at least 1 is better for all but dom0_seconds, and for rr_p50 and rr_p99 it is netback's time by ours.
#
# BED_DRIVER is native (default), DPDK's own driver for VFs, or netdev. BED_POLL_US is vifd's poll_us: on emulated processors
# an event takes some 50 times as long as on real ones, so an idle worker sleeps some time later (300; vifd's default is 50).
. /bed/lib.sh
: "${FRONT_MB:=1}" "${BED_DRIVER:=native}" "${BED_POLL_US:=300}"
: "${BENCH_S:=3}" # seconds of one measurement
: "${BENCH_PARTS:=wire,guests}"
. /bed/scenarios/frontend_vifd_lib

PEER_MAC=02:00:00:00:00:09
declare -A values=() # what was measured, by "metric way"

median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3g", (b > 0 ? a / b : 0) }'; }

# the processor time of dom0, in seconds
dom0_seconds() { xl list Domain-0 | awk 'END { print $NF }'; }

# use NAME eth0|eth1: NAME's address and frames are on this interface alone
use()
{
	guest_run "$1" "for d in eth0 eth1; do ip address flush dev \$d; ip link set \$d down; done
		ip address add $(guest_ip "$1")/24 dev $2; ip link set $2 up
		ip neigh flush all 2>/dev/null; true"
}

# pktgen NAME DEVICE ADDRESS MAC: NAME sends frames of 64 bytes (60 and the checksum) for BENCH_S seconds; prints how many
pktgen()
{
	guest_run "$1" "modprobe pktgen; cd /proc/net/pktgen; echo rem_device_all >kpktgend_0; echo add_device $2 >kpktgend_0
		for w in 'count 0' 'clone_skb 1000' 'delay 0' 'pkt_size 60' 'dst $3' 'dst_mac $4'; do echo \$w >$2; done
		(sleep $BENCH_S; echo stop >pgctrl) & echo start >pgctrl; sleep 0.3
		sed -n 's/.*pkts-sofar: \\([0-9]*\\).*/\\1/p' $2" | awk 'END { print $1 + 0 }'
}

received() { guest_run "$1" "cat /sys/class/net/$2/statistics/rx_packets"; }

# Each prints "VALUE UNITS": the value, and by how many frames or bytes dom0's time is divided

tx_64_out() { local sent; sent=$(pktgen g1 "$1" $PEER $PEER_MAC); echo "$(ratio "$sent" "$BENCH_S"000) $sent"; }

tx_64_guests()
{
	local before got mac

	mac=$(guest_run g2 "cat /sys/class/net/$1/address")
	before=$(received g2 "$1")
	pktgen g1 "$1" "$(guest_ip g2)" "$mac" >/dev/null
	got=$(($(received g2 "$1") - before))
	echo "$(ratio $got "$BENCH_S"000) $got"
}

rx_64_in()
{
	local got

	got=$(guest_run g1 "$(peer_floods "$1" "$BENCH_S")")
	echo "$(ratio "$got" "$BENCH_S"000) $got"
}

tcp() # NAME ADDRESS OPTIONS: Mbit/s and megabytes
{
	local mbps

	mbps=$(guest_run "$1" "iperf3 -c $2 --connect-timeout 5000 -t $BENCH_S -f m $3 2>&1" | tee -a /results/iperf3.txt |
		awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") m = $i } END { print m + 0 }')
	echo "$mbps $(awk "BEGIN { print $mbps * $BENCH_S / 8 }")"
}
tcp_out() { tcp g1 $OUTSIDE "-p $(iperf_port g1)"; }
tcp_in() { tcp g1 $OUTSIDE "-p $(iperf_port g1) -R"; }
tcp_guests() { tcp g1 "$(guest_ip g2)" ""; }

# Of 500 round trips, microseconds: the median, and p99 of the same
rr_p50() { guest_run g1 "pingcheck -c 500 -i 2 $1" | tee /run/rr.txt | awk '{ print $(NF - 2), 500 }'; }
rr_p99() { awk '{ print $NF, 500 }' /run/rr.txt; }
rr_p50_out() { rr_p50 $PEER; }
rr_p50_guests() { rr_p50 "$(guest_ip g2)"; }

has_driver() { guest_run "$1" "[ -e /sys/bus/xen/drivers/$(bus_name "$2")/vif-0 ] && [ -e /sys/class/net/eth1 ]"; }

# drive NAME DRIVER: DRIVER has both interfaces
drive()
{
	! has_driver "$1" "$2" || return 0
	guest_run "$1" "cd /sys/bus/xen/drivers; for d in vif vifront; do for v in vif-0 vif-1; do
			[ ! -e \$d/\$v ] || echo \$v >\$d/unbind; done; done
		rmmod vifront; rmmod xen-netfront; insmod /lib/modules/*/$2.ko" >/dev/null 2>&1
	wait_for 30 "$1's interfaces with $2" has_driver "$1" "$2" || die "$1 does not run $2: $(guest_run "$1" 'lsmod; dmesg | tail -n 3')"
}

# vifd_calls DEVICE: grant copies, and events in both directions, of all vifs of vifd so far
vifd_calls()
{
	local guest

	[ "$1" = eth0 ] || { echo 0 0; return; }
	for guest in g1 g2; do
		vifctl show "$(guest_domid $guest).0"
	done | awk '/^counters/ { on = 1 } $1 == "copy_calls" && on { copies += $2 } ($1 == "notify" || $1 == "events") && on { events += $2 }
		END { print copies + 0, events + 0 }'
}

# per_1000 METRIC WAY UNITS BEFORE... AFTER...: calls and events for each 1000 frames or megabytes
per_1000()
{
	values[copies_$1 $2]+=" $(ratio $((($6 - $4) * 1000)) "$3")"
	values[events_$1 $2]+=" $(ratio $((($7 - $5) * 1000)) "$3")"
}

# measure METRIC FUNCTION WAY DEVICE
measure()
{
	local before after line value units calls

	say "round $n: $1 $3 begins"
	calls=$(vifd_calls "$4")
	before=$(dom0_seconds)
	line=$($2 "$4")
	after=$(dom0_seconds)
	value=${line% *} units=${line#* }
	values[$1 $3]+=" $value"
	# shellcheck disable=SC2046,SC2086 # two numbers each
	[ "$4" != eth0 ] || per_1000 $1 $3 $units $calls $(vifd_calls "$4")
	values[dom0_seconds_$1 $3]+=" $(awk "BEGIN { print ($units > 0 ? ($after - $before) * 1000000 / $units : 0) }")"
	say "round $n: $1 $3: $value, dom0 $(awk "BEGIN { print $after - $before }") s"
}

# cell WAY DEVICE METRIC=FUNCTION...
cell()
{
	local way=$1 device=$2 word
	shift 2

	use g1 "$device"
	use g2 "$device"
	wait_for 30 "the network by $way" peer_answers g1 || return 0
	for word in "$@"; do
		measure "${word%=*}" "${word#*=}" "$way" "$device"
	done
}

wanted() { [[ ,$BENCH_PARTS, = *,$1,* ]]; }

WIRE="tcp_out=tcp_out tcp_in=tcp_in tx_64=tx_64_out rx_64=rx_64_in rr_p50=rr_p50_out rr_p99=rr_p99"
GUESTS="tcp=tcp_guests tx_64=tx_64_guests rr_p50=rr_p50_guests rr_p99=rr_p99"

# shellcheck disable=SC2086 # the lists are words
round()
{
	local driver front

	for driver in xen-netfront vifront; do
		front=${driver#xen-}
		drive g1 $driver
		drive g2 $driver
		! wanted wire || cell "wire_netback_$front" eth1 $WIRE
		use g1 eth0
		use g2 eth0
		wait_for 30 "g1's interface" vif_state_is g1 4
		wait_for 30 "g2's interface" vif_state_is g2 4
		move_guest g2 software # an interface that connects gets a VF if one is free
		if wanted wire; then
			move_guest g1 vf
			cell "vf_$front" eth0 $WIRE
		fi
		move_guest g1 software
		! wanted wire || cell "software_$front" eth0 $WIRE
		! wanted guests || cell "guests_$front" eth0 $GUESTS
		! wanted guests || cell "guests_netback_$front" eth1 $GUESTS
	done
}

# better METRIC A B: the better of netback's two front ends
better()
{
	case $1 in
	tcp*|tx_*|rx_*) printf '%s\n' "$2" "$3" | sort -g | tail -n 1 ;;
	*) printf '%s\n' "$2" "$3" | sort -g | awk '$1 > 0 { print; exit }' ;;
	esac
}

# target METRIC_WAY_FRONT
target()
{
	case $1 in
	dom0_seconds_tx_64_vf_netfront) echo "<= 0.33" ;;
	dom0_seconds_*) ;;
	tx_64_vf_*) echo ">= 3" ;;
	tx_64_guests_*) echo ">= 2" ;;
	tcp_guests_netfront) echo ">= 1.5" ;;
	*) echo ">= 1.0" ;;
	esac
}

# compare METRIC WAY NETBACK
compare()
{
	local metric=$1 ours theirs front name what

	# shellcheck disable=SC2086
	theirs=$(better "$metric" "$(median ${values[$metric $3_netfront]:-0})" "$(median ${values[$metric $3_vifront]:-0})")
	figure "${metric}_${3%_netback}_netback" "$theirs" "" ""
	for front in netfront vifront; do
		name=${metric}_${2}_$front
		# shellcheck disable=SC2086
		ours=$(median ${values[$metric ${2}_$front]:-0})
		figure "$name" "$ours" "" ""
		# shellcheck disable=SC2086
		[[ $metric = dom0_* || $metric = rr_p99 ]] || for what in copies events; do
			figure "${what}_per_1000_$name" "$(median ${values[${what}_$metric ${2}_$front]:-0})" "" ""
		done
		[[ $metric != rr_* ]] || { figure "${name}_vs_netback" "$(ratio "$theirs" "$ours")" "$(target "$name")" ""; continue; }
		figure "${name}_vs_netback" "$(ratio "$ours" "$theirs")" "$(target "$name")" ""
	done
}

setup()
{
	BED_VFS=0 bed_nic_setup 1
	bed_bridge_setup
	vifd_bed
	vifd_guests xen-netfront xen-netfront
	for guest in g1 g2; do
		xl network-attach $guest mac=00:16:3e:00:01:0${guest#g} script=vif-bridge bridge=xenbr0 ||
			die "$guest has no second interface"
		guest_run $guest "iperf3 -s -D >/dev/null 2>&1"
		move_guest $guest software
	done
}

# What test/xen/profile needs to name addresses
leave_symbols()
{
	cat /proc/kallsyms >/results/kallsyms.dom0
	# shellcheck disable=SC2154 # of lib.sh
	cat "/proc/$vifd_pid/maps" >/results/vifd.maps
	{ cat /proc/kallsyms | grep -v '\['; guest_run g1 "grep '\[' /proc/kallsyms"; } >/results/kallsyms.guest
}

setup
leave_symbols
for n in $(seq "$BED_ROUNDS"); do
	round
	# a machine of any speed shall reach the figures
	[ "$(bed_seconds)" -lt $((BED_TIMEOUT * 2 / 3)) ] || break
done
check rounds "$n" ">= 1"
for metric in $(! wanted wire || echo tcp_out tcp_in tx_64 rx_64 rr_p50 rr_p99); do
	for way in vf software; do
		compare $metric $way wire_netback
		[ "$metric" = rr_p99 ] || compare dom0_seconds_$metric $way wire_netback
	done
done
for metric in $(! wanted guests || echo tcp tx_64 rr_p50 rr_p99); do
	compare "$metric" guests guests_netback
	[ "$metric" = rr_p99 ] || compare "dom0_seconds_$metric" guests guests_netback
done
vifd_end
