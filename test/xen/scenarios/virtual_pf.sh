#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A virtual PF: a guest makes VFs of its vifs, and its containers use them as those of a NIC.
#
#     g1: eth0 = PF --- vif 0 --- vifd, a VF or the switch --- igb --- wire --- 10.0.2.9, which answers pings
#         8 VFs     --- vifs 1 to 8 --- vifd
#
# VPF_ROUNDS is how often a container comes and goes (20). VPF_LIFE=yes: the guest also migrates, and reboots.
. /bed/lib.sh
. /bed/scenarios/frontend_vifd_lib
. /bed/scenarios/migration_lib

: "${VPF_VFS:=8}" "${VPF_FIRST:=4}" "${VPF_ROUNDS:=20}" "${VPF_LIFE:=no}"
GUEST_RUN_LIMIT=280 GUEST_BOOT_LIMIT=180
PF_DEV=eth0
sriov=/sys/class/net/$PF_DEV/device

vf_mac() { printf '00:16:3e:00:01:%02x' "$1"; }

# What the guest may set for each of its virtual VFs
policies()
{
	local vf

	mkdir -p /etc/vifd/vif.d
	for ((vf = 1; vf <= VPF_VFS; vf++)); do
		printf '%s\n' '[match]' "mac = $(vf_mac $vf)" '[policy]' 'virtual-pf = 0' 'guest-mac = 1' 'guest-vlan = 100-110' \
			'guest-rate = 500' 'guest-promiscuous = 1' 'anti-spoof = 0' 'guaranteed = 62500,50000' \
			>/etc/vifd/vif.d/virtual$vf.conf
	done
}

# Those that the guest is created with; the others are attached to it.
vifs()
{
	local vf list="'mac=00:16:3e:00:00:01,$BED_KEYS'"

	for ((vf = 1; vf <= VPF_VFS && vf <= VPF_FIRST; vf++)); do
		list+=",'mac=$(vf_mac $vf),$BED_KEYS'"
	done
	echo "vif = [ $list ]"
}

attach_others()
{
	local vf

	for ((vf = VPF_FIRST + 1; vf <= VPF_VFS; vf++)); do
		xl network-attach g1 "mac=$(vf_mac $vf)" "$BED_KEYS" >/run/xl.out 2>&1 || say "attach: $(tail -n 3 /run/xl.out)"
	done
}

# steps PREFIX WORD...: runs virtual_pf_guest in the guest, and checks each thing that it looks at; sets $good, $looked
steps()
{
	local prefix=$1 name value
	shift

	good=0 looked=0
	guest_run g1 "virtual_pf_guest $* 2>&1" >/run/steps
	cat /run/steps >>/results/steps.txt
	while read -r name value; do
		[[ $name != *: ]] || continue
		[[ $value =~ ^[01]$ ]] || { say "$name $value"; continue; }
		looked=$((looked + 1)) good=$((good + value))
		[ "$value" = 1 ] || check "${prefix}_$name" false true
	done </run/steps
}

value_of() { sed -n "s/^$1: \([0-9]*\)$/\1/p" /run/steps; }

pf_is_there() { [ "$(guest_run g1 "cat $sriov/sriov_totalvfs")" = "$VPF_VFS" ]; }
vfs_connected() { [ "$(guest_run g1 "cat $sriov/virtfn*/net/*/carrier | grep -c 1")" = "$VPF_VFS" ]; }
shown() { guest_run g1 "virtual_pf_guest show $PF_DEV"; }
vfs_there() { guest_run g1 "ls -d $sriov/virtfn* 2>/dev/null | wc -l"; }

vfs_on()
{
	guest_run g1 "modprobe vifront_pf"
	wait_for 30 "the PF" pf_is_there || die "no PF: $(guest_run g1 'dmesg | tail -n 5; ls -l /sys/class/net/')"
	guest_run g1 "echo $VPF_VFS >$sriov/sriov_numvfs" || say "$(guest_run g1 'dmesg | tail -n 5')"
	guest_run g1 "for dev in $sriov/virtfn*/net/*; do $IP link set dev \${dev##*/} up; done"
	wait_for 60 "all VFs' links" vfs_connected
}

vfs_off() { guest_run g1 "echo 0 >$sriov/sriov_numvfs"; }

# parked: before anybody asks for VFs, their vifs have no netdev
parked()
{
	check netdevs_when_parked "$(guest_run g1 "ls /sys/class/net | grep -c eth")" "== 1"
	check parked_state "$(xenstore-read "/local/domain/$(guest_domid g1)/device/vif/1/state")" "== 6"
}

# Two VFs in namespaces reach each other and the outside
pings()
{
	guest_run g1 "for n in 0 1; do virtual_pf_guest add $PF_DEV \$n c\$n 00:16:3e:00:05:e\$n; $IP -n c\$n link set lo up
		$IP -n c\$n address add 10.0.2.5\$n/24 dev net1; done" >>/results/steps.txt
	wait_for 30 "a container's network" guest_run g1 "$IP netns exec c0 ping -c 1 -W 1 $PEER"
	check container_outside_lost "$(lost_in c0 "$PEER")" "== 0"
	check container_to_container_lost "$(lost_in c0 10.0.2.51)" "== 0"
	check_true container_counted wait_for 60 "the VF's counters" vf_0_counts
	guest_run g1 "virtual_pf_guest del c0; virtual_pf_guest del c1" >>/results/steps.txt
}
vf_0_counts() { [ "$(guest_run g1 "$IP -s link show dev $PF_DEV | sed -n '/vf 0 /,/vf 1 /p' | awk '/RX:/ { getline; print \$2; exit }'")" -gt 10 ]; }
lost_in()
{
	guest_run g1 "$IP netns exec $1 pingcheck -c 20 -i 50 $2" |
		awk '/^sent/ { print $6 + $8 + $10; seen = 1 } END { if (!seen) print "unknown" }'
}

# Containers come and go, a few at a time: the guest's answer is waited for only so long
rounds()
{
	local n whole=0 changed=0

	for ((n = 0; n < VPF_ROUNDS; n += 5)); do
		steps cni rounds $PF_DEV "$VPF_VFS" 5
		whole=$((whole + $(value_of rounds))) changed=$((changed + $(value_of changed)))
		say "$whole containers came and went"
	done
	check cni_add_del_rounds $whole ">= $VPF_ROUNDS"
	check cni_values_left_changed $changed "== 0"
}

consumers()
{
	steps sysfs sysfs $PF_DEV "$VPF_VFS"
	check sysfs_checks $good "== $looked"
	check sysfs_checks_made $looked ">= $((12 + 9 * VPF_VFS))"
	guest_run g1 "dmesg | tail -n 30" >/results/g1.txt
	steps netlink netlink $PF_DEV 2 00:16:3e:00:05:0f
	check netlink_checks $good "== $looked"
	check netlink_checks_made $looked ">= 24"
	guest_run g1 "dmesg | tail -n 10" >>/results/g1.txt
	pings
	rounds
	steps cni late $PF_DEV
	check cni_late_deletes $good "== 5"
}

# The PF has a devlink device, which says why there is no switchdev mode
eswitch()
{
	local dev=pci/0000:41:00.0

	check eswitch_legacy "$(guest_run g1 "devlink dev eswitch show $dev | grep -c 'mode legacy'")" "== 1"
	check switchdev_refused_with_reason "$(guest_run g1 "devlink dev eswitch set $dev mode switchdev 2>&1 |
		grep -c 'no flow rules for what a VF sends'")" "== 1"
}

# Interface 0 goes on while the module is unloaded and loaded again
unload()
{
	guest_run g1 "rmmod vifront_pf"
	check unload_vf_netdevs "$(guest_run g1 "ls /sys/class/net | grep -c eth")" "== 1"
	check unload_pci_functions "$(guest_run g1 "ls /sys/bus/pci/devices | wc -l")" "== 0"
	check unload_ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
	check unload_warnings "$(guest_run g1 "dmesg | grep -c 'BUG\|WARNING\|Call Trace'")" "== 0"
}

# differences TEXT TEXT: counts lines
differences()
{
	echo "$1" >/run/text.before
	echo "$2" >/run/text.after
	diff /run/text.before /run/text.after | grep -c '^[-+<>][^-+]'
}

migrates()
{
	local before old

	vfs_on
	guest_run g1 "virtual_pf_guest netlink $PF_DEV 0 00:16:3e:00:05:0e; cd /; $IP link set $PF_DEV vf 3 mac 00:16:3e:00:05:03
		$IP link set $PF_DEV vf 3 vlan 103 qos 1; $IP link set $PF_DEV vf 3 max_tx_rate 300
		$IP link set $PF_DEV vf 4 trust off spoofchk on; $IP link set $PF_DEV vf 5 state disable" >/dev/null
	before=$(shown)
	old=$(guest_domid g1)
	migrate g1
	wait_for 60 "g1's network" peer_answers g1
	wait_for 60 "the VFs' settings" settings_are "$before"
	check migrate_settings_lost "$(differences "$before" "$(shown)")" "== 0"
	check migrate_leftovers "$(($(zombies g1) + $(xenstore-list "/local/domain/0/backend/vif/$old" 2>/dev/null | wc -l)))" "== 0"
	vfs_off
	check migrate_vfs_left "$(vfs_there)" "== 0"
}
settings_are() { [ "$(shown)" = "$1" ]; }

reboots()
{
	local before old

	vfs_on
	before=$(shown)
	guest_run g1 "$IP link set $PF_DEV vf 1 mac 00:16:3e:00:05:01; $IP link set $PF_DEV vf 1 vlan 101 qos 3"
	old=$(guest_domid g1)
	guest_reboot g1 || die "g1 does not reboot: $(cat /run/xl.out)"
	parked
	vfs_on
	check reboot_leftovers "$(($(differences "$before" "$(shown)") + $(zombies g1) +
		$(xenstore-list "/local/domain/0/backend/vif/$old" 2>/dev/null | wc -l)))" "== 0"
}

# Guests find the program below /bed.
cp /bed/scenarios/virtual_pf_guest /bed/
vifd_bed
guest_gets virtual_pf_guest
policies
GUEST_CONFIG=$(vifs) front_create g1 00:16:3e:00:00:01 vifront
front_ready g1 vifront
attach_others
parked
vfs_on
check vfs_created "$(vfs_there)" ">= $VPF_VFS"
consumers
eswitch
unload
vfs_on
vfs_off
check vfs_left_by_0 "$(vfs_there)" "== 0"
if [ "$VPF_LIFE" = yes ]; then
	migrates
	reboots
fi
guest_run g1 "dmesg | tail -n 60" >>/results/g1.txt
cp /run/vifd.log /results/ 2>/dev/null
guest_stop g1
vifd_stop
check vifd_status $? "== 0"
finish
