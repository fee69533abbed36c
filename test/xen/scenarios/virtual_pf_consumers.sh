#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's own programs, unmodified, make VFs of a virtual PF and set them up: udev, networkd, NetworkManager, CNI, ip.
#
#     g1: udevd, systemd-networkd, NetworkManager, host-device, ip
#         eth0 = PF, 4 VFs --- vifs 0 to 4 --- vifd --- igb --- wire --- 10.0.2.9, which answers pings
#
# Needs --front. What they set is read back from the kernel in the guest and from vifd.
# wants consumers
# result into virtual-pf: consumers consumers_checks
. /bed/lib.sh
. /bed/scenarios/frontend_vifd_lib
. /bed/scenarios/virtual_pf_lib

: "${VPF_VFS:=4}" "${VPF_CONSUMERS:=iproute link networkd networkmanager hostdevice}"
GUEST_RUN_LIMIT=400 GUEST_BOOT_LIMIT=180
VPF_CONSUMERS=${VPF_CONSUMERS//-/ } # --set takes no spaces
looked=0 good=0 ran=

# steps WORD...: runs them in the guest, and checks each thing that it looks at
steps()
{
	local name value

	guest_run g1 "virtual_pf_consumers_guest $* 2>&1" >/run/steps
	{ echo "# $*"; cat /run/steps; } >>/results/steps.txt
	while read -r name value; do
		[[ $value =~ ^[01]$ ]] || { say "$name $value"; continue; }
		looked=$((looked + 1)) good=$((good + value))
		[ "$value" = 1 ] || check "$name" false true
	done </run/steps
}

# vifd_has VF KEY VALUE
vifd_has()
{
	local value want=${3:--} # nothing is shown as -

	value=$(vpf_key g1 "$1" "$2")
	looked=$((looked + 1))
	[ "$value" = "$want" ] && good=$((good + 1)) || check "vifd_${consumer}_vf$1_$2" "$value" "== $want"
}

# What vifd has while a consumer's values are in force. A word of the record has the name that it has there.
vifd_iproute()
{
	vifd_has 2 virtual_vf_set mac,vlan,rate,spoofchk,link
	vifd_has 2 virtual_vf_vlan 109
	vifd_has 2 virtual_vf_priority 1
}
vifd_link()
{
	vifd_has 0 virtual_vf_set mac,vlan
	vifd_has 0 virtual_vf_vlan 101
	vifd_has 2 virtual_vf_set spoofchk,link
	vifd_has 3 virtual_vf_wanted 0
}
vifd_networkd()
{
	vifd_has 0 virtual_vf_set mac,vlan,spoofchk,link
	vifd_has 0 virtual_vf_vlan 102
	vifd_has 0 virtual_vf_priority 2
	vifd_has 3 virtual_vf_vlan 103
	vifd_has 3 virtual_vf_trust 0
}
vifd_networkmanager()
{
	vifd_has 0 virtual_vf_set mac,vlan,rate,spoofchk
	vifd_has 0 virtual_vf_vlan 104
	vifd_has 0 virtual_vf_priority 5
	vifd_has 2 virtual_vf_trust 0
	vifd_has 3 virtual_vf_wanted 0
}
vifd_hostdevice() { vifd_has 1 virtual_vf_set mac; }

# consume CONSUMER: its program is listed if all that was looked at is right
consume()
{
	local consumer=$1 words=$VPF_DEV before=$((looked - good)) vf

	[ "$1" != iproute ] || words+=" 2"
	[ "$1" != hostdevice ] || words+=" 10.0.2.61/24 $PEER"
	steps "$1" "$words"
	"vifd_$1"
	steps "$1_end" "$words"
	for ((vf = 0; vf < VPF_VFS; vf++)); do
		vifd_has $vf virtual_vf_wanted 0
		vifd_has $vf virtual_vf_set ""
	done
	[ $((looked - good)) != $before ] || ran+=${ran:+,}$1
	guest_run g1 "grep -i 'sr-iov\|sriov\|virtual func' $(printf '/run/consumers/%s ' udevd builtin networkd nm) | tail -n 20 | cut -c 1-140" >>/results/logs.txt
	guest_run g1 "tail -n 8 $(printf '/run/consumers/%s ' cni nmcli ip ip_batch) | cut -c 1-160; dmesg | tail -n 5" >>/results/logs.txt
}

versions()
{
	guest_run g1 "udevadm --version; nmcli --version; CNI_COMMAND=VERSION /usr/lib/cni/host-device </dev/null 2>&1; $IP -V" |
		tee -a /results/logs.txt
}

# Guests find the programs below /bed. The last archive of a ramdisk has to be small.
cp /bed/scenarios/virtual_pf_guest /bed/scenarios/virtual_pf_consumers_guest /bed/
cat /boot/consumers_guest.cpio.gz >>/boot/guest.cpio.gz
vifd_bed
guest_gets virtual_pf_guest virtual_pf_consumers_guest
vpf_policies g1 "$VPF_VFS" 'guest-mac = 1' 'guest-vlan = 100-110' 'guest-rate = 500' 'guest-promiscuous = 1' 'anti-spoof = 0' \
	'guaranteed = 62500,50000'
GUEST_MEMORY=400 GUEST_CONFIG=$(vpf_vifs g1 "$VPF_VFS") front_create g1 00:16:3e:00:00:01 vifront
front_ready g1 vifront
vpf_on g1 "$VPF_VFS" 0
say "$(versions)"
steps start $VPF_DEV "$VPF_VFS"
for one in $VPF_CONSUMERS; do
	consume "$one"
done
check consumers "$ran" "== ${VPF_CONSUMERS// /,}"
check consumers_checks $good "== $looked"
check ping_lost "$(ping_lost g1 "$PEER" 10)" "== 0"
check guest_warnings "$(guest_run g1 "dmesg | grep -c 'BUG\|WARNING\|Call Trace'")" "== 0"
guest_run g1 "dmesg | tail -n 40" >/results/g1.txt
cp /run/vifd.log /results/ 2>/dev/null
guest_stop g1
vifd_stop
check vifd_status $? "== 0"
finish
