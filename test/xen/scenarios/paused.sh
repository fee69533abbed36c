#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guests paused by xl on a network full of broadcasts: their neighbours on VFs and in software lose nothing and keep TCP.
#
#     v1, v2, p1 (paused) --- VF each ---+-- igb 0 --- wire --- igb 1: dom0 sends broadcasts there
#     s1, s2, p2 (paused) --- switch ----+               \--- 10.0.2.2, iperf3 servers; 10.0.2.9, which answers pings
#
# BED_DRIVER is "native" for VFs with DPDK's own driver, BED_PAUSE_S how long the guests are paused. Needs --nics 2 --vfs 3.
: "${BED_WORKERS:=2}"
. /bed/lib.sh

: "${BED_DRIVER:=netdev}" "${BED_PAUSE_S:=15}"
GUEST_BOOT_LIMIT=240
: "${PER_S:=60}" # broadcasts: all guests get each, and emulated ones stand little more
KBPS=500 # of TCP, of each of the four: what a busy machine can carry as well
NEIGHBOURS="v1 v2 s1 s2" # each with an iperf3 server of its own
PAUSED="p1 p2"
TCP_S=6

# of_vif NAME KEY: what vifctl shows
of_vif() { vifctl show "$(guest_domid "$1").0" | awk -v key="$2" '$1 == key { print $2; exit }'; }
value_of() { printf '%s\n' "$2" | sed -n "s/.*\b$1 \([0-9]*\).*/\1/p"; }

# Broadcasts from outside, until they are told to end. igb 1 has no vif.
broadcasts_start()
{
	local word

	modprobe pktgen
	echo "add_device $OUT" >/proc/net/pktgen/kpktgend_0
	for word in 'count 0' 'dst_mac ff:ff:ff:ff:ff:ff' 'dst 10.0.2.255' 'pkt_size 600' "ratep $PER_S"; do
		echo "$word" >"/proc/net/pktgen/$OUT"
	done
	echo start >/proc/net/pktgen/pgctrl &
	broadcasts_pid=$!
}

broadcasts_end()
{
	echo stop >/proc/net/pktgen/pgctrl
	wait $broadcasts_pid
}

pings_start() { guest_run "$1" "pingcheck -c 60000 -i 100 $PEER >/tmp/pings 2>&1 &"; }
pings_end()
{
	guest_run "$1" 'killall -TERM pingcheck; while pidof pingcheck >/dev/null; do sleep 0.1; done; cat /tmp/pings' |
		grep '^sent'
}

# tcp NAME: writes the rate of a connection to the outside, which sends KBPS
tcp()
{
	local port

	# shellcheck disable=SC2154 # of lib.sh
	port=$((BED_IPERF_PORT + guest_number[$1] % BED_IPERF_SERVERS))
	guest_run "$1" "iperf3 -c $OUTSIDE -p $port -t $TCP_S -b ${KBPS}k -l 2000 -f k 2>&1" |
		awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Kbits/sec") kbps = $i }
		     END { print int(kbps) }' >"/run/tcp.$1"
}

declare -A best=()
# tcp_of_all WHEN: sets best[WHEN,NAME] of three rounds of all neighbours at once: an emulated machine is slow at times
tcp_of_all()
{
	local name pids

	for _ in 1 2 3; do
		pids=()
		for name in $NEIGHBOURS; do
			tcp "$name" &
			pids+=($!)
		done
		wait "${pids[@]}"
		for name in $NEIGHBOURS; do
			[ "$(cat "/run/tcp.$name")" -le "${best[$1,$name]:-0}" ] || best[$1,$name]=$(cat "/run/tcp.$name")
		done
	done
	for name in $NEIGHBOURS; do
		say "$1: TCP of $name ${best[$1,$name]:-0} kbit/s"
	done
}

# The worst of the neighbours
tcp_ratio()
{
	local name

	for name in $NEIGHBOURS; do
		echo "${best[paused,$name]:-0} ${best[awake,$name]:-0}"
	done | awk '$2 == 0 { bad = 1 } { r = $2 ? $1 / $2 : 0 } NR == 1 || r < min { min = r }
		END { if (bad) print "unknown"; else printf "%.2f", min }'
}

# Pings of all the time since pings_start
no_frame_lost()
{
	local name line lost=0 others=0

	for name in $NEIGHBOURS; do
		line=$(pings_end "$name")
		say "pings of $name: $line"
		check "${name}_pings" "$(value_of sent "$line")" "> 100" frames
		lost=$((lost + $(value_of lost "$line")))
		others=$((others + $(value_of duplicated "$line") + $(value_of bogus "$line")))
	done
	check xen_paused_neighbour_frames_lost $lost "== 0" frames
	check paused_neighbour_frames_doubled $others "== 0" frames
}

start_guests()
{
	local name n=0

	for name in $NEIGHBOURS $PAUSED; do
		guest_create "$name" "00:16:3e:00:00:0$((n += 1))" || die "$name was not created: $(xl info free_memory) MiB free"
		case $name in s*|p2) xenstore-write "/local/domain/0/backend/vif/$(guest_domid $name)/0/policy/vf" never ;; esac
	done
	for name in $NEIGHBOURS $PAUSED; do
		guest_ready "$name" || die "$name did not boot"
		say "$name is up"
	done
	for name in v1 v2 p1; do
		check_true "${name}_on_a_vf" wait_for 60 "$name on a VF" vif_path_is "$name" vf
	done
	for name in s1 s2 p2; do
		check_true "${name}_in_software" vif_path_is "$name" software
	done
	sleep 2
}

bed_nic_setup
OUT=$(netdev_of_pci "$(pf_addresses | sed -n 2p)")
ip link set "$OUT" up
wait_for 30 "link of $OUT" link_is_up "$OUT" || die "$OUT has no link"
if [ "$BED_DRIVER" = native ]; then
	modprobe uio_pci_generic
	bed_make_room 192
	memory=128
else
	bed_make_room 64 # for the sixth guest
	memory=64
fi
vifd_start '[daemon]' "workers = $BED_WORKERS" "memory_mb = $memory" '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF" \
	"driver = $BED_DRIVER"
say "$(xl info free_memory) MiB free"
start_guests
say "$(xl info free_memory) MiB free"
[ "$BED_DRIVER" != native ] || check native_vfs "$(grep -c 'has VF .*(native)' /run/vifd.log)" ">= 3"
broadcasts_start
check_true broadcasts_reach_software wait_for 10 "a broadcast" eval '[ "$(of_vif s1 rx_packets)" -gt 50 ]'
tcp_of_all awake
for name in $NEIGHBOURS; do
	pings_start "$name"
done
for name in $PAUSED; do
	xl pause "$name"
done
sleep "$BED_PAUSE_S"
vifctl memory >/results/memory.txt 2>&1
tcp_of_all paused
vifctl top -n 1 >/results/top.txt 2>&1
xl list >/results/xl.txt
top -b -n 1 >/results/processes.txt
for name in $PAUSED; do
	vifctl show "$(guest_domid "$name").0" >"/results/$name.txt" 2>&1
	# it was stalled: what it left lying grew too old
	check "${name}_too_old" "$(of_vif "$name" rx_drop_stale)" ">= 1" frames
done
check xen_paused_neighbour_tcp_ratio "$(tcp_ratio)" ">= 0.95"
for name in $PAUSED; do
	xl unpause "$name"
done
sleep 1
no_frame_lost
broadcasts_end
for name in $PAUSED; do
	check_true "${name}_lives" wait_for 30 "$name's answer" guest_run "$name" true
	check "${name}_ping_lost_afterwards" "$(ping_lost "$name" $PEER 10)" "== 0" frames
done
for name in $NEIGHBOURS $PAUSED; do
	xl destroy "$name"
done
check_true no_domain_is_left wait_for 20 "the guests' end" eval '[ "$(zombies)" = 0 ]'
vifd_stop
check stop_status $? "== 0"
finish
