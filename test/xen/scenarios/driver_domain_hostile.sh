# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What an intruder in the driver domain reaches of others; vifd killed in it; the PF in it instead of VFs.
#
#     g1 --- VF -----------------+-- igb --- wire --- 10.0.2.9, which answers pings
#     g3 --- switch -- VF or PF -+
#       (both in domain "net")
#
# Needs --iommu --vfs 3.
# wants driver_domain intrude
. /bed/lib.sh
. /bed/scenarios/driver_domain_lib

# A guest that the driver domain does not serve; it need not run to have grants.
other_create()
{
	printf '%s\n' 'name = "other"' 'type = "pv"' 'memory = 160' 'kernel = "/boot/vmlinux"' >/etc/xen/other.cfg
	xl create -p /etc/xen/other.cfg >/run/xl.out 2>&1 || die "xl create other: $(tail -n 3 /run/xl.out)"
}

# What root of the driver domain reaches of others, while vifd is dead
hostile()
{
	local other faults text

	other_create
	other=$(guest_domid other)
	faults=$(xl dmesg | grep -c 'DMAR:.*fault')
	# the VF that no guest has; the third one is the uplink
	in_net "killall -9 vifd; sleep 1"
	text=$(in_net "chmod +x /intrude; /intrude $other 0000:01:10.2 0x68000000")
	say "$text"
	check hostile_maps_of_a_foreign_guest "$(sed -n 's/^grants //p' <<<"$text")" "== 0" grants
	check hostile_maps_of_dom0 "$(sed -n 's/^grants_of_dom0 //p' <<<"$text")" "== 0" grants
	check hostile_frames_of_a_foreign_guest "$(sed -n 's/^frames //p' <<<"$text")" "== 0" frames
	check hostile_frames_of_dom0 "$(sed -n 's/^frames_of_dom0 //p' <<<"$text")" "== 0" frames
	check hostile_orders "$(sed -n 's/^orders //p' <<<"$text")" "== 0" calls
	xl dmesg | grep 'DMAR:.*fault' | tail -n 2
	check hostile_dma_refused $(($(xl dmesg | grep -c 'DMAR:.*fault') - faults)) ">= 1" faults
	text=$(in_net "for key in /local/domain/0/name /local/domain/0/backend /local/domain/$other/name /local/domain/$other/vm /libxl /vm \
		/local/domain/$(guest_domid g1)/vm; do xenstore-ls \$key >/dev/null 2>&1 && echo \"reads \$key\"; done
		xenstore-write /local/domain/0/name x 2>/dev/null && echo writes
		xenstore-write /local/domain/$other/device x 2>/dev/null && echo writes
		xenstore-chmod /local/domain/0/name b0 2>/dev/null && echo changes; true")
	say "xenstore: ${text:-nothing}"
	check hostile_store_keys "$(grep -c . <<<"$text")" "== 0" keys
	xl destroy other
}

vifd_killed()
{
	in_net ": >/run/vifd.log"
	net_vifd
	check_true killed_memory_adopted net_says 'extents were left'
	on_vfs 1
	check killed_ping_lost "$(wire_lost 1 3)" "== 0"
}

rules_by_uuid()
{
	in_net "printf '%s\n' '[match]' 'uuid = 01234567-89ab-cdef-0123-456789abcdef' '[policy]' 'mtu = 1400' >/etc/vifd/vif.d/a.conf"
	wait_for 10 "the refusal" vif_key g1 policy-error
	say "policy-error: $(vif_key g1 policy-error)"
	check_true uuid_is_refused test -n "$(vif_key g1 policy-error)"
}

# VFs can only be made where the kernel tells Xen of them.
pf_passed()
{
	local pci n

	xl destroy net
	for pci in $NET_PCI; do xl pci-assignable-remove "$pci"; done
	bed_vfs_remove "$PF_PCI"
	net_prepare "$PF_PCI"
	net_boot
	in_net "cd /sys/bus/pci/devices/$PF_PCI; ls; cat sriov_totalvfs; echo 1 >sriov_numvfs; cat sriov_numvfs; ls /sys/bus/pci/devices; dmesg | tail -n 12"
	net_serve '[nic lan]' 'pf = eth0' 'vfs = 2'
	check_true no_vfs_is_said net_says 'no SR-IOV|can.t be created'
	reattached 1 3
	check pf_path "$(vif_key g1 path)" "== software"
	check pf_wire_ping_lost "$(wire_lost 1 3)" "== 0"
	check pf_guest_ping_lost "$(pair_lost "1 3")" "== 0"
}

bed_nic_setup
net_vfs_prepare
bed_make_room 150
net_boot
net_serve_natively
guests_start 1 3
on_vfs 1
hostile
vifd_killed
rules_by_uuid
pf_passed
for n in 1 3; do xl destroy g$n; done
sleep 2
check zombies "$(zombies net)" "== 0"
finish
