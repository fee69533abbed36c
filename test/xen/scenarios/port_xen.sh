#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports on igb's VFs by DPDK's own driver in a PV dom0: test/smoke/vf_smoke.sh --native-xen starts it.
. /bed/lib.sh

free_mb() { xl info free_memory; }
room() { [ $(($(free_mb) - start_mb)) -ge "$1" ]; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
# best WHAT FILE: of three rounds
best() { awk -v what="$1" '$1 == what && $2 > best { best = $2 } END { print best + 0 }' "$2"; }
# ratio WHAT
ratio() { awk -v n="$(best "$1" /run/native.log)" -v d="$(best "$1" /run/netdev.log)" 'BEGIN { printf "%.2f", d ? n / d : 0 }'; }
run() { timeout 120 vifd "$PF" 2 "$PEER" "$@"; }

bed_nic_setup
modprobe uio_pci_generic
run netdev speed >/run/netdev.log 2>&1
check netdev_status $? "== 0"
start_mb=$(free_mb)
echo 860160 >/sys/devices/system/xen_memory/xen_memory0/target_kb
wait_for 60 "room below dom0's maximum" room 140
sleep 2
before=$(free_mb)
run native speed >/run/native.log 2>&1
check native_status $? "== 0"
check_true memory_from_xen grep -q 'packet memory: xen, 48 extents' /run/native.log
check native_vfs "$(grep -c 'has VF .*(native)' /run/native.log)" "== 2"
for what in tx_64 rx_64; do
	detail "af_packet_${what}_pps" "$(best $what /run/netdev.log)"
	detail "native_${what}_pps" "$(best $what /run/native.log)"
	check "native_vs_af_packet_$what" "$(ratio $what)" ">= 2"
done
run native >/results/vf_smoke.log 2>&1
check port_facts_status $? "== 0"
grep -v '^ok' /results/vf_smoke.log
# killed: the next life takes the memory and the VFs up again
run native speed >/run/killed.log 2>&1 &
wait_for 60 "VFs" grep -q 'rx_64' /run/killed.log
# shellcheck disable=SC2046 # one of each, or none
kill -9 $(pidof vifd)
wait
run native speed >/run/again.log 2>&1
check after_kill_status $? "== 0"
check_true memory_adopted grep -q '48 extents were left' /run/again.log
check memory_back $(($(free_mb) - before)) "== 0" MiB
check_true driver_back test "$(driver_of 0000:01:10.0)" = igbvf
cp /run/*.log /results/
finish
