#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A virtual PF: a guest makes VFs of its vifs, and its containers use them as those of a NIC.
#
#     g1: eth0 = PF --- vif 0 --- vifd, a VF or the switch --- igb --- wire --- 10.0.2.9, which answers pings
#         8 VFs     --- vifs 1 to 8 --- vifd
#
# VPF_PARTS are the parts that run, with - between them, in the order below. VPF_SHORT=yes: fewer VFs, rounds and parts.
# VPF_ROUNDS is how often a container comes and goes (20). VPF_TYPE is the guest's: pv (default), pvh, or hvm
# (scenario virtual_pf_hvm).
# result into virtual-pf: switchdev_rules_checked eswitch_checks
. /bed/lib.sh
. /bed/scenarios/frontend_vifd_lib
. /bed/scenarios/migration_lib

if [ "${VPF_SHORT:-no}" = yes ]; then
	: "${VPF_VFS:=4}" "${VPF_ROUNDS:=2}" "${VPF_PARTS:=sysfs-netlink-rounds-unload}"
fi
: "${VPF_VFS:=8}" "${VPF_FIRST:=4}" "${VPF_ROUNDS:=20}"
: "${VPF_PARTS:=sysfs-netlink-pings-rounds-late-eswitch-unload-migrate-reboot}"
: "${VPF_TYPE:=pv}"
GUEST_RUN_LIMIT=280 GUEST_BOOT_LIMIT=180
[ "$VPF_TYPE" = pv ] || GUEST_BOOT_LIMIT=600
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
	local keys=$BED_KEYS vf list

	[ "$VPF_TYPE" != hvm ] || keys+=,type=vif # no emulated card
	list="'mac=00:16:3e:00:00:01,$keys'"
	for ((vf = 1; vf <= VPF_VFS && vf <= VPF_FIRST; vf++)); do
		list+=",'mac=$(vf_mac $vf),$keys'"
	done
	echo "vif = [ $list ]"
}

# What QEMU's SVM needs (frontend_pvh.sh has the reasons), and no screen
of_type()
{
	[ "$VPF_TYPE" = pv ] || printf '%s\n' 'hap = 0' 'tsc_mode = "native"'
	[ "$VPF_TYPE" != hvm ] || printf '%s\n' 'hpet = 0' 'vga = "none"' 'vnc = 0'
}

attach_others()
{
	local vf

	for ((vf = VPF_FIRST + 1; vf <= VPF_VFS; vf++)); do
		xl network-attach g1 "mac=$(vf_mac $vf)" "$BED_KEYS" >/run/xl.out 2>&1 || say "attach: $(tail -n 3 /run/xl.out)"
	done
}

# steps PREFIX WORD...: runs virtual_pf_guest in the guest, or virtual_pf_eswitch, and checks each thing that it looks at; sets $good, $looked
steps()
{
	local prefix=$1 name value program=virtual_pf_guest
	shift

	good=0 looked=0
	[ "$prefix" != eswitch ] || program=virtual_pf_eswitch
	guest_run g1 "$program $* 2>&1" >/run/steps
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
	[ "$(vfs_there)" = "$VPF_VFS" ] || guest_run g1 "echo $VPF_VFS >$sriov/sriov_numvfs" || say "$(guest_run g1 'dmesg | tail -n 5')"
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

# --- the parts -------------------------------------------------------------------------------------------------

part_sysfs()
{
	steps sysfs sysfs $PF_DEV "$VPF_VFS"
	check sysfs_checks $good "== $looked"
	check sysfs_checks_made $looked ">= $((12 + 9 * VPF_VFS))"
}

part_netlink()
{
	steps netlink netlink $PF_DEV 2 00:16:3e:00:05:0f
	check netlink_checks $good "== $looked"
	check netlink_checks_made $looked ">= 24"
}

# Two VFs in namespaces reach each other and the outside
part_pings()
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
part_rounds()
{
	local n whole=0 changed=0 few seconds=0

	for ((n = 0; n < VPF_ROUNDS; n += few)); do
		few=$((VPF_ROUNDS - n < 5 ? VPF_ROUNDS - n : 5))
		steps cni rounds $PF_DEV "$VPF_VFS" $few $n
		whole=$((whole + $(value_of rounds))) changed=$((changed + $(value_of changed)))
		seconds=$((seconds + $(value_of seconds)))
		say "$whole containers came and went"
	done
	check cni_add_del_rounds $whole ">= $VPF_ROUNDS"
	check cni_values_left_changed $changed "== 0"
	figure cni_seconds $seconds "" s
}

part_late()
{
	steps cni late $PF_DEV
	check cni_late_deletes $good "== 10"
}

# switchdev mode: representors, and rules in the host by tc. It is left on, with a rule, for the parts behind it
part_eswitch()
{
	check eswitch_legacy "$(guest_run g1 "devlink dev eswitch show pci/0000:41:00.0 | grep -c 'mode legacy'")" "== 1"
	steps eswitch run $PF_DEV "$VPF_VFS" "$PEER"
	check eswitch_checks $good "== $looked"
	check eswitch_checks_made $looked ">= 35"
	check switchdev_rules_checked "$(value_of rules)" ">= 25"
	check eswitch_rules_in_host "$(rules_in_host)" "== 1"
}
rules_in_host() { vifctl show "$(guest_domid g1).0" | awk '$1 == "virtual_vf_rules" { print $2; exit }'; }
rules_in_host_are() { [ "$(rules_in_host)" = "$1" ]; }

pci_functions() { guest_run g1 "ls /sys/bus/pci/devices | wc -l"; } # an HVM guest has some of the device model

# Interface 0 goes on while the module is unloaded
part_unload()
{
	guest_run g1 "rmmod vifront_pf"
	check unload_vf_netdevs "$(guest_run g1 "ls /sys/class/net | grep -c eth")" "== 1"
	check unload_pci_functions "$(pci_functions)" "== $functions_before"
	check unload_ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
	check unload_warnings "$(guest_run g1 "dmesg | grep -c 'BUG\|WARNING\|Call Trace'")" "== 0"
}

# Tells what the host has of guests, without names of domains: VFs in use, and what NIC and switch are set to
host_state()
{
	vifctl vfs | awk 'NR > 1 { print ($NF == "-" ? "VF free" : "VF in use") }' | sort
	$IP link show dev "$PF" | sed -n 's/^ *vf [0-9]* *//p' | sed 's/52:54:[0-9a-f:]*/own/' | sort
	bridge fdb show dev "$PF" | sort
	$IP -o link | sed 's/^[0-9]*: \([^:@]*\).*/netdev \1/' | sort
}

# differences TEXT TEXT: counts lines, and tells them
differences()
{
	echo "$1" >/run/text.before
	echo "$2" >/run/text.after
	diff /run/text.before /run/text.after | grep '^[-+<>][^-+]' | tee -a /results/differences.txt | wc -l
}

# left_of DOMID: counts what is left of a former domain of g1: its vifs and their keys, what was kept of them, the domain
left_of()
{
	local all

	all="$(xenstore-list "/local/domain/0/backend/vif/$1" 2>/dev/null)
		$(xenstore-list "/libxl/$1/device/vif" 2>/dev/null)
		$(vifctl list | awk '{ print $1 }' | grep "^$1\.")
		$(ls -d /run/vifd/vif-"$1".* 2>/dev/null)
		$(xl list | awk '{ print $2 }' | grep -x "$1")"
	all=$(grep '[^[:space:]]' <<<"$all" | tee -a /results/differences.txt)
	printf '%s' "$all" | grep -c .
}

# Everything is set for VFs of a guest, a rule included, and is there again after it has migrated.
part_migrate()
{
	local before old left

	vfs_on
	guest_run g1 "$IP link set $PF_DEV vf 3 mac 00:16:3e:00:05:03; $IP link set $PF_DEV vf 3 vlan 103 qos 1
		$IP link set $PF_DEV vf 3 max_tx_rate 300; $IP link set $PF_DEV vf 2 trust off
		$IP link set $PF_DEV vf 2 spoofchk on; $IP link set $PF_DEV vf 1 state disable"
	steps eswitch leave $PF_DEV "$PEER"
	check migrate_rules_before $good "== 2"
	before=$(shown)
	old=$(guest_domid g1)
	migrate g1
	wait_for 60 "g1's network" peer_answers g1
	wait_for 60 "the VFs' settings" settings_are "$before"
	check migrate_settings_lost "$(differences "$before" "$(shown)")" "== 0"
	check migrate_vfs "$(vfs_there)" "== $VPF_VFS"
	wait_for 60 "the VFs' rules" rules_in_host_are 1
	steps eswitch left $PF_DEV "$PEER"
	check migrate_rules_after $good "== 4"
	check migrate_rules_left "$(rules_in_host)" "== 0"
	left=$(left_of "$old")
	vfs_off
	check migrate_vfs_left "$(vfs_there)" "== 0"
	wait_for 60 "the host's former state" host_is "$host_parked"
	check migrate_leftovers $((left + $(zombies g1) + $(differences "$host_parked" "$(host_state)"))) "== 0"
}
settings_are() { [ "$(shown)" = "$1" ]; }
host_is() { [ "$(host_state)" = "$1" ]; }

part_reboot()
{
	local before old left

	vfs_on
	before=$(shown)
	guest_run g1 "$IP link set $PF_DEV vf 1 mac 00:16:3e:00:05:01; $IP link set $PF_DEV vf 1 vlan 101 qos 3"
	old=$(guest_domid g1)
	guest_reboot g1 || die "g1 does not reboot: $(cat /run/xl.out)"
	parked
	wait_for 60 "the host's former state" host_is "$host_parked"
	left=$(($(left_of "$old") + $(zombies g1) + $(differences "$host_parked" "$(host_state)")))
	vfs_on
	check reboot_settings_left "$(differences "$before" "$(shown)")" "== 0"
	check reboot_leftovers $left "== 0"
	vfs_off
}

# Guests find the program below /bed.
cp /bed/scenarios/virtual_pf_guest /bed/scenarios/virtual_pf_eswitch /bed/
vifd_bed
guest_gets virtual_pf_guest virtual_pf_eswitch
policies
host_at_first=$(host_state)
[ "$VPF_TYPE" != hvm ] || export GUEST_KERNEL=/boot/vmlinuz FRONT_ARGS=no_timer_check # as in hvm.sh
GUEST_TYPE=$VPF_TYPE GUEST_CONFIG=$(vifs; of_type) front_create g1 00:16:3e:00:00:01 vifront
front_ready g1 vifront
attach_others
parked
wait_for 60 "the PF on a VF" vif_path_is g1 vf
host_parked=$(host_state) functions_before=$(pci_functions)
vfs_on
check vfs_created "$(vfs_there)" ">= $VPF_VFS"
for part in ${VPF_PARTS//-/ }; do
	say "part $part"
	"part_$part"
done
guest_run g1 "dmesg | tail -n 60" >>/results/g1.txt
guest_stop g1
wait_for 60 "the host's first state" host_is "$host_at_first"
check left_when_stopped "$(differences "$host_at_first" "$(host_state)")" "== 0"
cp /run/vifd.log /results/ 2>/dev/null
vifd_stop
check vifd_status $? "== 0"
finish
