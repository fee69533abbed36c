#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The life of a vif: driver reload, attach and detach, hotplug script, reboot, destroy, a broken guest, SIGTERM.
#
#     g1, g2 --- VF each --- igb --- wire --- 10.0.2.9, a peer that answers pings
#     g1's second vif --- software
. /bed/lib.sh

second=00:16:3e:00:00:15 # g1's second interface, 10.0.2.31

reaches_peer() { [ "$(ping_lost "$1" $PEER "${2:-5}")" = 0 ]; }

# A vif that connects is on the software path until its VF is ready, and on both for half a second.
settles_on_vf()
{
	wait_for 30 "$1 on a VF again" is_on_vf "$1"
	sleep 2
}
is_on_vf() { [ "$(vif_key "$1" path)" = vf ]; }

# Linux holds a reference to the driver of each bound device, so unbind first.
unload()
{
	guest_run "$1" 'cd /sys/bus/xen/drivers/vif
		for dev in vif-*; do echo "$dev" >unbind; done
		for i in 1 2 3 4 5 6 7 8; do rmmod xen_netfront && exit; sleep 1; done; exit 1'
}

frontend_reload()
{
	check_true frontend_unload unload g1
	guest_run g1 'modprobe xen-netfront; netup'
	wait_for 30 "g1's vif connected again" vif_state_is g1 4
	settles_on_vf g1
	check_true frontend_reload reaches_peer g1
}

# Pings through eth1 only
second_reaches_peer()
{
	guest_run g1 "ip link set eth1 up; ip address replace 10.0.2.31/32 dev eth1
		ip route replace $PEER/32 dev eth1 src 10.0.2.31"
	reaches_peer g1
	local status=$?
	guest_run g1 "ip route del $PEER/32"
	return $status
}

second_is_gone() { ! vif_key g1 state 1; }

network_attach_detach()
{
	xl network-attach g1 mac=$second script=vif-vifd || {
		say "network-attach failed"
		xenstore-ls -f /local/domain/0/backend/vif
		tail -n 5 /run/vifd.log
	}
	wait_for 30 "g1's second vif connected" vif_state_is g1 4 1
	check_true network_attach second_reaches_peer
	xl network-detach g1 1 || say "network-detach failed"
	wait_for 30 "g1's second vif gone" second_is_gone
	check_true network_detach second_is_gone
	check_true network_detach_leaves_the_other reaches_peer g1
}

# A slow hotplug script: vifd must not show Connected before the script reports connected.
hotplug_status()
{
	local pid seen=0 try

	cat >/etc/xen/scripts/vif-vifd-slow <<-'END'
	#!/bin/sh
	case $1 in
	online) until [ -e /run/go ]; do sleep 0.2; done ;;
	esac
	exec /etc/xen/scripts/vif-vifd "$@"
	END
	chmod +x /etc/xen/scripts/vif-vifd-slow
	xl network-attach g1 mac=$second script=vif-vifd-slow &
	pid=$!
	wait_for 30 "g1's second vif" vif_key g1 state 1
	for try in $(seq 20); do
		[ "$(vif_key g1 state 1)" != 4 ] || seen=$((seen + 1))
		sleep 0.2
	done
	check connected_before_hotplug_status $seen "== 0"
	touch /run/go
	wait $pid
	check_true connected_after_hotplug_status \
		wait_for 30 "g1's second vif connected" vif_state_is g1 4 1
	xl network-detach g1 1
	wait_for 30 "g1's second vif gone" second_is_gone
}

guest_reboots()
{
	local old

	old=$(guest_domid g1)
	guest_reboot g1 || say "g1 did not come back"
	wait_for 30 "g1's vif connected" vif_state_is g1 4
	settles_on_vf g1
	check_true guest_reboot reaches_peer g1
	check reboot_left_nodes "$(xenstore-list /local/domain/0/backend/vif | grep -cx "$old")" "== 0"
	check reboot_left_domains "$(zombies g1 g2)" "== 0"
}

# Writes a front end directory with references and a channel that the guest never granted or bound.
malformed_vif()
{
	local domid name lost

	unload g2
	domid=$(guest_domid g2)
	guest_run g2 "xenstore-write /local/domain/$domid/device/vif/0/state 1"
	wait_for 20 "g2's vif to wait" vif_state_is g2 2
	guest_run g2 "d=/local/domain/$domid/device/vif/0
		xenstore-write \$d/tx-ring-ref 4000000000 \$d/rx-ring-ref 12345 \$d/event-channel 131000 \
			\$d/request-rx-copy 1 \$d/state 4"
	wait_for 20 "vifd's verdict on g2" vif_key g2 fault
	say "g2 is refused: $(vif_key g2 fault)"
	check_true malformed_vif_stops test -n "$(vif_key g2 fault)"
	check neighbour_ping_lost "$(ping_lost g1 $PEER 50)" "== 0"
	# The same guest with a correct directory again
	guest_run g2 "xenstore-rm /local/domain/$domid/device/vif/0/event-channel
		xenstore-write /local/domain/$domid/device/vif/0/state 6; sleep 2
		xenstore-write /local/domain/$domid/device/vif/0/state 1; modprobe xen-netfront; netup"
	wait_for 30 "g2's vif connected again" vif_state_is g2 4
	settles_on_vf g2
	check_true malformed_vif_recovers reaches_peer g2
}

guest_is_destroyed()
{
	local domid vf

	domid=$(guest_domid g2)
	vf=$(vif_key g2 vf)
	guest_run g2 "pingcheck -c 2000 -i 5 $PEER >/tmp/ping.txt 2>&1 &"
	xl destroy g2
	wait_for 20 "g2's end" test "$(zombies g1)" = 0
	check destroy_left_domains "$(zombies g1)" "== 0"
	check destroy_left_nodes "$(xenstore-list /local/domain/0/backend/vif | grep -cx "$domid")" "== 0"
	wait_for 20 "VF $vf free" grep -q "VF $vf is free again" /run/vifd.log
	check_true destroy_frees_the_vf grep -q "VF $vf is free again" /run/vifd.log
	check_true destroy_leaves_the_other reaches_peer g1
}

# Prints the settings of the PF's VFs, without the counters
pf_values() { ip link show "$PF" | grep '^ *vf '; }

# Counts channels to a guest, including those of xenstored and xenconsoled
channels_to() { lsevtchn 0 | grep -c "Connected.*Remote Domain $1,"; }

sigterm()
{
	local status domid

	domid=$(guest_domid g1)
	vifd_stop
	status=$?
	check sigterm_status $status "== 0"
	check sigterm_left_channels $(($(channels_to "$domid") - 2)) "== 0"
	pf_values >/run/pf.after
	check_true sigterm_restores_pf cmp -s /run/pf.before /run/pf.after
	diff /run/pf.before /run/pf.after
	vifd_start
	wait_for 30 "g1's vif connected" vif_state_is g1 4
	check_true restart_reconnects wait_for 20 "g1's answers" reaches_peer g1
	vifd_stop
	xl destroy g1
	sleep 1
	check sigterm_left_grants "$(zombies)" "== 0"
}

bed_nic_setup
pf_values >/run/pf.before
vifd_start
guest_create g1 00:16:3e:00:00:01 && guest_create g2 00:16:3e:00:00:02 || die "guests were not created"
guest_ready g1 && guest_ready g2 || die "guests did not boot"
wait_for 30 "g1 on a VF" vif_path_is g1 vf
wait_for 30 "g2 on a VF" vif_path_is g2 vf
check_true g1_reaches_peer reaches_peer g1
check_true g2_reaches_peer reaches_peer g2
frontend_reload
network_attach_detach
hotplug_status
guest_reboots
malformed_vif
guest_is_destroyed
sigterm
finish
