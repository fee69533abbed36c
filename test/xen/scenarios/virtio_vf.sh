#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# VFs of another kind: an SR-IOV NIC of virtio-net functions, whose PF sets nothing of its VFs. Needs --nic virtio --front.
#
#     g1 (vifront) ------ VF --- bridge of the emulated NIC --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, a peer
#     g2 (xen-netfront) - VF ---'
#
# First by the kernel's driver, then by DPDK's in a PV dom0, with two queue pairs and zero copy.
. /bed/lib.sh
: "${FRONT_MB:=4}"
. /bed/scenarios/frontend_lib

EXTENTS=48
GUEST_MEMORY=224
FRONT_ARGS="xen_netfront.max_queues=2"
SPOOFED=00:16:3e:00:00:66

# config DRIVER: zero copy without an IOMMU, to which virtio's functions are not subject anyway
config()
{
	vifd_config '[daemon]' "workers = $BED_WORKERS" "memory_mb = $((EXTENTS * 2))" 'zero_copy = trusted-hardware' \
		'[nic bed]' "pf = $PF" "uplink = $PF" "driver = $1" 'vf_queues = 2'
}
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
show() { vifctl show "$(guest_domid "$1").0" >/run/show.txt; }
shown() { show "$1"; awk -v key="$2" '$1 == key { print $2; exit }' /run/show.txt; }
counter() { show "$1"; awk -v name="$2" '/^counters/ { on = 1 } on && $1 == name { n = $2 } END { print n + 0 }' /run/show.txt; }
sends_from_pages() { show g1; grep -q '^zero_copy *tx$' /run/show.txt; }
sent_by() { vifctl show "$(guest_domid g2).0" | awk '$1 == "tx_packets" && NF == 4 { print $3, $4 }'; }
on_vfs() { vif_path_is g1 vf && vif_path_is g2 vf; }
set_numvfs() { echo "$1" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs"; }

kernels_driver()
{
	config netdev
	vifd_start
	front_create g1 00:16:3e:00:00:01 vifront
	front_create g2 00:16:3e:00:00:02 xen-netfront
	front_ready g1 vifront
	front_ready g2 xen-netfront
	check_true kernel_vfs wait_for 30 "VFs by their netdevs" on_vfs
	check kernel_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	check kernel_ping_lost_between "$(ping_lost g1 "$(guest_ip g2)" 20)" "== 0"
	vifd_stop
	check kernel_macs_back "$(cat /sys/class/net/*/address | grep -c '^52:54:00:00:00:0[123]')" "== $BED_VFS"
}

# Many flows: each uses one of the guest's queues, and so one of the VF's, and its answers come by any
pairs()
{
	local port flows sent0 sent1 now0 now1

	check virtio_vf_queue_pairs "$(shown g2 port_queues)" ">= 2"
	read -r sent0 sent1 <<<"$(sent_by)"
	# shellcheck disable=SC2154 # of lib.sh
	port=$((BED_IPERF_PORT + guest_number[g2] % BED_IPERF_SERVERS))
	flows=$(guest_run g2 "iperf3 -c $OUTSIDE -p $port -P 8 -t 4 -i 0 -f k 2>&1 | grep receiver")
	read -r now0 now1 <<<"$(sent_by)"
	check pair_0_sent $((now0 - sent0)) "> 20" frames
	check pair_1_sent $((now1 - sent1)) "> 20" frames
	check pairs_flows "$(awk '!/SUM/ && $5 > 0' <<<"$flows" | grep -c .)" "== 8"
}

zero_copy()
{
	local frames zero

	check_true sends_from_pages wait_for 20 "zero copy" sends_from_pages
	frames=$(counter g1 tx_packets) zero=$(counter g1 tx_zero_copy)
	figure virtio_tcp_out "$(tcp_mbps g1 out 4)" "> 1" Mbit/s
	zero=$(($(counter g1 tx_zero_copy) - zero)) frames=$(($(counter g1 tx_packets) - frames))
	check virtio_zero_copy_tx_frames "$zero" "> 100"
	check virtio_zero_copy_tx_share "$((zero * 100 / (frames + 1)))" "> 50" %
	# the last frames come back without any that follow
	check_true pages_come_back wait_for 5 "all pages" eval '[ "$(shown g1 lent_pages)" = 0 ]'
	# to the other guest, whose VF gets frames with unfinished checksums
	check_true file_between small_both g1 "$SERVER_IP"
	check ping_lost_after_zero_copy "$(ping_lost g1 "$PEER" 20)" "== 0"
}

# The PF does not check addresses: vifd does, and says so
spoofed()
{
	local dropped

	dropped=$(counter g2 tx_drop_spoof)
	guest_run g2 "ip link set eth0 down; ip link set eth0 address $SPOOFED; ip link set eth0 up"
	check spoofed_ping_lost "$(ping_lost g2 "$PEER" 5)" "== 5"
	check spoofed_dropped "$(($(counter g2 tx_drop_spoof) - dropped))" ">= 1"
	guest_run g2 "ip link set eth0 down; ip link set eth0 address 00:16:3e:00:00:02; ip link set eth0 up"
	check ping_lost_after_spoofed "$(ping_lost g2 "$PEER" 10)" "== 0"
	check spoof_enforced_by "$(vifctl show --why "$(guest_domid g2).0" | sed -n 's/^anti-spoof .* \(software and hardware\|software\)$/\1/p')" "== software"
}

crashed()
{
	guest_run g1 "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + 3)) -t 60 >/tmp/tcp 2>&1 &" >/dev/null
	sleep 2
	vifd_stop KILL
	vifd_start
	check_true crash_on_vfs wait_for 40 "guests on VFs again" on_vfs
	check_true crash_zero_copy_again wait_for 20 "zero copy" sends_from_pages
	guest_run g1 'killall iperf3 2>/dev/null; true' >/dev/null
	check crash_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
}

taken_away()
{
	local pid

	set_numvfs 0 &
	pid=$!
	check_true removed_vf_is_left wait_for 20 "g1 in software" vif_path_is g1 software
	check_true removed_vf_is_not_held wait_for 20 "the kernel's end" process_is_gone $pid
	check removed_ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
	set_numvfs "$BED_VFS"
	check_true new_vf_is_used wait_for 40 "g1 on a VF" vif_path_is g1 vf
	check new_vf_ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
}

bed_nic_setup
modprobe uio_pci_generic
front_setup
check pf_sets_nothing "$(ip link set "$PF" vf 0 mac 52:54:00:00:00:77 2>&1 | grep -c 'not supported')" "== 1"
kernels_driver
bed_make_room 140
config native
vifd_start
check_true pf_is_told_of grep -q 'this PF sets nothing of its VFs' /run/vifd.log
check_true native_vfs wait_for 40 "guests on VFs" on_vfs
cp /run/vifd.log /results/vifd-native.log
check virtio_vf_native "$([ "$(grep -c 'has VF .*(native)' /run/vifd.log)" -ge 2 ] && echo true || echo false)" true
sleep 2
front_server g2 eth0
check virtio_vf_ping_lost "$(ping_lost g1 "$PEER" 100)" "== 0"
check ping_lost_between "$(ping_lost g1 "$(guest_ip g2)" 20)" "== 0"
vifctl nics
pairs
zero_copy
spoofed
crashed
taken_away
guest_stop g1
guest_stop g2
vifd_stop
check stop_status $? "== 0"
check_true driver_back test "$(driver_of "$(vf_addresses "$PF_PCI" | head -n 1)")" = virtio-pci
finish
