#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock guest on a VF that DPDK's own driver has, in a PV dom0, on memory taken from Xen.
#
#     g1 --- VF --- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, a peer that answers pings
. /bed/lib.sh

free_mb() { xl info free_memory; }
config() { vifd_config '[daemon]' 'workers = 1' "memory_mb = 96" '[nic bed]' "pf = $PF" "uplink = $PF" "driver = $1"; }
start_mb=$(free_mb)
room() { [ $(($(free_mb) - start_mb)) -ge "$1" ]; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }

bed_nic_setup
modprobe uio_pci_generic
config native
vifd_start
# dom0 has all that it may have: no room for VFs' memory, which is said with its remedy
check_true no_room_falls_back grep -q "make room below this domain's maximum" /run/vifd.log
check_true no_room_keeps_netdevs test "$(driver_of 0000:01:10.0)" = igbvf
vifd_stop
echo 860160 >/sys/devices/system/xen_memory/xen_memory0/target_kb
wait_for 60 "room below dom0's maximum" room 140
sleep 2
before=$(free_mb)
vifd_start
check_true memory_from_xen grep -q 'packet memory: xen, 48 extents' /run/vifd.log
check memory_taken $((before - $(free_mb))) ">= 96" MiB
guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
wait_for 30 "g1 on a VF" vif_path_is g1 vf || tail -n 20 /run/vifd.log
check native_vfs "$(grep -c 'has VF .*(native)' /run/vifd.log)" "== 1"
sleep 2
check peer_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
check native_tcp_out "$(tcp_mbps g1 out)" "> 1" Mbit/s
check native_tcp_in "$(tcp_mbps g1 in)" "> 1" Mbit/s
# killed under traffic: the next takes up rings, memory and VF
guest_run g1 "pingcheck -c 400 -i 50 $PEER >/tmp/ping.txt 2>&1 &"
vifd_stop KILL
vifd_start
check_true memory_adopted grep -q '48 extents were left' /run/vifd.log
wait_for 30 "g1 on a VF again" vif_path_is g1 vf
sleep 2
check ping_lost_after_kill "$(ping_lost g1 $PEER 20)" "== 0"
guest_stop g1
vifd_stop
check stop_status $? "== 0"
wait_for 10 "the memory back" test "$(free_mb)" -ge "$before"
check memory_back $(($(free_mb) - before)) "== 0" MiB
check_true driver_back test "$(driver_of 0000:01:10.0)" = igbvf
finish
