#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A guest's kernel module breaks every rule of the protocol; another guest on the same NIC loses nothing.
#
#     g1 --- VF --------------+-- igb --- wire --- 10.0.2.9, a peer that answers pings; 10.0.2.2, an iperf3 server
#     g2, hostile.ko --- VF --+
#
# wants hostile.ko
. /bed/lib.sh
. /bed/scenarios/leak_lib

: "${HOSTILE_OPS:=$((BED_ROUNDS * 10000))}"
: "${HOSTILE_LIMIT:=$((BED_ROUNDS * 15))}"
MODULE=/usr/lib/hostile.ko

# Puts the module into every guest's initramfs from here on
module_into_guests()
{
	mkdir -p "/run/add${MODULE%/*}"
	cp /bed/hostile.ko "/run/add$MODULE" || die "the bed has no hostile.ko"
	(cd /run/add && echo ".$MODULE" | cpio -o -H newc 2>/dev/null | gzip -1 >>/boot/guest.cpio.gz)
}

parameter() { guest_run g2 "cat /sys/module/hostile/parameters/$1"; }
has_finished() { [ "$(parameter finished)" != 0 ]; }
reaches_peer() { [ "$(ping_lost "$1" "$PEER" "${2:-5}")" = 0 ]; }
neighbour_line() { guest_run g1 'killall -TERM pingcheck; while pidof pingcheck >/dev/null; do sleep 0.1; done; cat /tmp/pings' | grep '^sent'; }
value_of() { printf '%s\n' "$2" | sed -n "s/.*\b$1 \([0-9]*\).*/\1/p"; }
log_lines() { wc -l </run/vifd.log; }

bed_nic_setup
vifd_start
module_into_guests
guest_create g1 00:16:3e:00:00:01 || die "g1 was not created"
GUEST_ARGS=bed.front=none guest_create g2 00:16:3e:00:00:02 || die "g2 was not created"
guest_ready g1 && guest_ready g2 || die "guests did not boot"
wait_for 30 "g1 on a VF" vif_path_is g1 vf
alone=$(tcp_mbps g1 out 4)
say "TCP of g1 alone: $alone Mbit/s"
lines=$(log_lines)

guest_run g1 "pingcheck -c 60000 -i 20 $PEER >/tmp/pings 2>&1 &"
guest_run g2 "insmod $MODULE ops=$HOSTILE_OPS seed=${HOSTILE_SEED:-1}"
say "hostile.ko is loaded"
meanwhile=$(tcp_mbps g1 out 8)
say "TCP of g1 meanwhile: $meanwhile Mbit/s"
HOSTILE_START=$SECONDS
while [ $((SECONDS - HOSTILE_START)) -lt $HOSTILE_LIMIT ] && ! has_finished; do sleep 1; done
operations=$(parameter operations)
finished=$(parameter finished)
line=$(neighbour_line)
say "g1 meanwhile: $line"
say "g2: $operations operations, $(parameter connections) connections, $(parameter no_room) times no room, finished $finished"
check hostile_operations "$operations" "> 1000"
check hostile_connections "$(parameter connections)" "> 1"
check_true hostile_connects_again test "$finished" != 2
check neighbour_pings "$(value_of sent "$line")" "> 100"
check neighbour_frames_lost "$(value_of lost "$line")" "== 0"
check neighbour_frames_doubled "$(($(value_of duplicated "$line") + $(value_of bogus "$line")))" "== 0"
check neighbour_tcp_alone "$alone" "> 1" Mbit/s
check neighbour_tcp_meanwhile "$meanwhile" "> 1" Mbit/s
figure neighbour_tcp_ratio "$(awk -v a="$alone" -v b="$meanwhile" 'BEGIN { printf "%.2f", b / a }')" ">= 0.95" ""
check_true vifd_lives vifd_lives
check log_lines "$(($(log_lines) - lines))" "< 500"

# The same guest with a correct driver again. Linux holds a reference to the driver of each bound device, so unbind first.
guest_run g2 "echo vif-0 >/sys/bus/xen/drivers/hostile/unbind
	for i in 1 2 3 4 5 6 7 8; do rmmod hostile && break; sleep 1; done
	dmesg | grep -o 'hostile: .*' | cut -c10- | tr '\n' ' '; modprobe xen-netfront; netup"
wait_for 30 "g2 on a VF" vif_path_is g2 vf
check_true hostile_guest_recovers wait_for 20 "g2's answers" reaches_peer g2
check held_grants "$(held_grants g1 g2)" "== 4" pages
check held_channels "$(held_channels g1 g2)" "== 4"
xl destroy g2
wait_for 20 "g2's end" test "$(zombies g1)" = 0
check domains_left "$(zombies g1)" "== 0"
check_true neighbour_lives reaches_peer g1
grep -c 'broke the protocol' /run/vifd.log
grep 'broke the protocol' /run/vifd.log | sed 's/.*broke the protocol: //' | sort | uniq -c
finish
