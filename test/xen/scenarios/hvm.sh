#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An HVM guest with xl's emulated card beside its vif: Linux unplugs the card and drives the vif, on a VF.
# wants hvm
. /bed/lib.sh

# Shadow page tables and native time stamps, as for PVH guests (frontend_pvh).
HVM='hap = 0
hpet = 0
tsc_mode = "native"
vga = "none"
vnc = 0'

# The option ROM of the device model boots a packed kernel only.
hvm_create()
{
	local name=$1 mac=$2

	guest_number[$name]=$((16#${mac##*:}))
	GUEST_TYPE=hvm GUEST_KERNEL=/boot/vmlinuz GUEST_CONFIG=$HVM GUEST_ARGS="no_timer_check" guest_config "$name" "$mac" "$BED_KEYS"
	guest_booted[$name]=$(log_size "$(guest_log "$name")")
	xl create "/etc/xen/$name.cfg" >/run/xl.out 2>&1 || {
		say "xl create $name: $(tail -n 3 /run/xl.out)"
		return 1
	}
}

# The card that the device model emulates: a TAP of its own, which vifd does not serve
has_emulated_card() { [ -d "/sys/class/net/vif$(guest_domid "$1").0-emu" ]; }

end()
{
	cp /var/log/xen/*.log /results/ 2>/dev/null
	finish
}

bed_nic_setup
modprobe tun # for the emulated card
vifd_start
check_true hvm_created hvm_create h1 00:16:3e:00:00:01 || end
check_true hvm_emulated_card has_emulated_card h1
check_true hvm_no_hotplug_error [ -z "$(vif_key h1 hotplug-error)" ]
GUEST_BOOT_LIMIT=600
check_true hvm_boots guest_ready h1
vif_state_is h1 4 || say "state $(vif_key h1 state), $(guest_run h1 'dmesg | tail -n 20; ip link')"
check hvm_guest_type "$(guest_run h1 "cat /sys/hypervisor/guest_type")" "== HVM"
check_true hvm_on_a_vf wait_for 60 "h1 on a VF" vif_path_is h1 vf
check hvm_ping_lost "$(ping_lost h1 $PEER 20)" "== 0"
check hvm_cards "$(guest_run h1 "ls /sys/class/net | grep -c -v '^lo$'")" "== 1"
check_true hvm_moved_to_software sh -c "vifctl move $(guest_domid h1).0 software"
check_true hvm_in_software wait_for 60 "h1 in software" vif_path_is h1 software
check hvm_software_ping_lost "$(ping_lost h1 $PEER 20)" "== 0"
guest_run h1 dmesg >/results/h1.txt
# shellcheck disable=SC2154 # of lib.sh
check_true hvm_guest [ $failed = 0 ]
guest_stop h1
check zombies "$(zombies)" "== 0"
vifd_stop
end
