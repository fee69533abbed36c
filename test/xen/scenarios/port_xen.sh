#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports on igb's VFs with DPDK's own driver in a PV dom0: test/smoke/vf_smoke.sh --native-xen starts it.
. /bed/lib.sh

free_mb() { xl info free_memory; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
run() { timeout 120 vifd "$PF" 2 "$PEER" "$@"; }

bed_nic_setup
modprobe uio_pci_generic
bed_make_room 140
sleep 2
before=$(free_mb)
run native >/results/vf_smoke.log 2>&1
check port_facts_status $? "== 0"
check_true memory_from_xen grep -q 'packet memory: xen, 48 extents' /results/vf_smoke.log
check native_vfs "$(grep -c 'has VF .*(native)' /results/vf_smoke.log)" ">= 4"
grep -v '^ok' /results/vf_smoke.log
echo "$BED_VFS" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs"
wait_for 30 "link of $PF with new VFs" link_is_up "$PF"
sleep 2
# killed: the next process takes over the memory and the VFs
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
