#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Functions of four families, each serves a guest by DPDK's own driver in a PV dom0. Needs --more e1000e,vmxnet3,virtio.
#
#     g1 --- e1000e ----.
#     g2 --- vmxnet3 ----+--- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, a peer that answers pings
#     g3 --- virtio-net -+
#     g4 --- VF --- igb -'
. /bed/lib.sh

EXTENTS=48
GUEST_MEMORY=160
NICS="e1000e vmxnet3 virtio"

# function_of ID: prints the address of the function with these vendor and device ids
function_of()
{
	local device

	for device in /sys/bus/pci/devices/*; do
		[ "$(cat "$device/vendor")$(cat "$device/device")" != "$1" ] || basename "$device"
	done
}

config()
{
	local name lines=()

	for name in $NICS; do
		lines+=("[nic $name]" "devices = ${pci[$name]}" 'uplink = none' 'driver = native' 'vf_queues = 2')
	done
	vifd_config '[daemon]' 'workers = 1' "memory_mb = $((EXTENTS * 2))" "$@" "${lines[@]}"
}
guest_on() { guest_create "$1" "00:16:3e:00:00:0${1#g}" "script=vif-vifd,bridge=$2"; }
# shellcheck disable=SC2154 # of lib.sh
worker() { grep -l vifd-worker0 /proc/"$vifd_pid"/task/*/comm | sed 's,/comm,,'; }
interrupts() { awk '/uio_pci_generic/ { for (i = 2; i <= 3; i++) sum += $i } END { print sum + 0 }' /proc/interrupts; }
drivers() { grep -o 'VF [^ ]* (native)' /run/vifd.log | sort -u | grep -c .; }

# woken: counts how often the worker of an idle guest wakes up in 4 s
woken()
{
	local status before

	status=$(worker)/status
	sleep 2
	before=$(awk '/^voluntary/ { print $2 }' "$status")
	sleep 4
	echo $(($(awk '/^voluntary/ { print $2 }' "$status") - before))
}

# untimed: how often of 20 times the worker is in epoll_pwait2() without a timeout, which would be its fourth argument
untimed()
{
	local i nr=0 call timeout

	for ((i = 0; i < 20; i++)); do
		read -r call _ _ _ timeout _ <"$(worker)/syscall"
		[ "$call $timeout" != "441 0x0" ] || nr=$((nr + 1))
		bed_pause 0.1
	done
	echo $nr
}

# The worker of an idle guest sleeps until the function's interrupt comes; one of a function without interrupts looks
# every millisecond, as far as the machine lets it.
interrupts_alone()
{
	local before idle polled function told

	wait_for 30 "g1 on its function" vif_path_is g1 vf
	check e1000e_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
	check interrupts "$(interrupts)" ">= 10"
	before=$(interrupts)
	idle=$(woken)
	check idle_sleeps_by_interrupts "$(untimed)" ">= 15" "of 20"
	figure idle_interrupts $(($(interrupts) - before)) "" interrupts
	before=$(interrupts)
	check idle_ping_lost "$(ping_lost g1 $PEER 20)" "== 0"
	told=$(($(interrupts) - before))
	check woken_by_interrupts $told ">= 10"
	vifd_stop
	function=${pci[e1000e]}
	pci[e1000e]=${pci[vmxnet3]}
	NICS=e1000e config
	pci[e1000e]=$function
	vifd_start
	wait_for 30 "g1 on a polled function" grep -q "has VF ${pci[vmxnet3]} (native)" /run/vifd.log
	polled=$(woken)
	check idle_sleeps_polled "$(untimed)" "== 0" "of 20"
	say "wake-ups in 4 s: $idle by interrupts, $polled polled"
	figure idle_wakeups $idle "< $((polled / 2))" "in 4 s"
	check rx_interrupt_families "$([ $told -ge 10 ] && echo 1 || echo 0)" ">= 1"
	vifd_stop
}

declare -A pci=([e1000e]=$(function_of 0x80860x10d3) [vmxnet3]=$(function_of 0x15ad0x07b0) [virtio]=$(function_of 0x1af40x1000))
for name in $NICS; do
	[ -n "${pci[$name]}" ] || die "there is no $name: run test/xen/run with --more e1000e,vmxnet3,virtio"
done
for name in virtio_pci virtio_net e1000e vmxnet3; do
	modprobe $name
done
bed_nic_setup
modprobe uio_pci_generic
bed_make_room 140
sleep 2
before=$(xl info free_memory)
NICS=e1000e config
vifd_start
guest_on g1 e1000e && guest_ready g1 || die "g1 did not start"
interrupts_alone
config '[nic igb]' "pf = $PF" "uplink = $PF" 'driver = native'
vifd_start
vifctl nics
guest_on g2 vmxnet3 && guest_on g3 virtio && guest_on g4 igb || die "guests were not created"
families=0
for guest in g1 g2 g3 g4; do
	[ $guest = g1 ] || guest_ready $guest
	check_true "${guest}_vf" wait_for 40 "$guest on its function" vif_path_is $guest vf
	lost=$(ping_lost $guest $PEER 50)
	check "${guest}_ping_lost" "$lost" "== 0"
	out=$(tcp_mbps $guest out 2) in=$(tcp_mbps $guest in 2)
	figure "${guest}_tcp_out" "$out" "" Mbit/s
	figure "${guest}_tcp_in" "$in" "" Mbit/s
	[ "$lost" = 0 ] && vif_path_is $guest vf && families=$((families + 1))
done
check native_families $families ">= 3"
check native_functions "$(drivers)" ">= 4"
check known "$(grep -c 'is not known' /run/vifd.log)" "== 0"
for guest in g1 g2 g3 g4; do
	vifctl show "$(guest_domid $guest).0" >"/results/show.$guest"
	guest_stop $guest
done
vifd_stop
check stop_status $? "== 0"
check memory_back "$((before - $(xl info free_memory)))" "< 2" MiB
finish
