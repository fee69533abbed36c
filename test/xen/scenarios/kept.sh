#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What guests told vifd once, and what an admin set, holds after kill -9, after reboots and on another host. Before that: what
# g1's ntuple filters do.
#
#     g1 (vifront) --- VF ------- igb 0 --- wire --- igb 1: dom0's namespace "out" sends to groups
#     g2 (vifront) --- switch ----+           \--- 10.0.2.2, iperf3 servers; 10.0.2.9, which answers pings
#
# g2 is in software because the admin moved it there; its rules are saved. Needs --front --nics 2.
: "${BED_WORKERS:=2}"
. /bed/lib.sh
. /bed/scenarios/frontend_lib
. /bed/scenarios/migration_lib
. /bed/scenarios/filter_lib

GUEST_BOOT_LIMIT=240
GUEST_MEMORY=224
FRONT_ARGS="vifront.max_queues=2"
GROUP=239.9.9.9 PINGS=20
declare -A MAC=([g1]=00:16:3e:00:00:01 [g2]=00:16:3e:00:00:02) IP6=([g1]=fd00::e1 [g2]=fd00::e2)
SAVED=saved-00163e000002.conf

vif() { echo "$(guest_domid "$1").0"; }
out() { $IP netns exec out "$@"; }
# Another connection has other values
connection() { xenstore-ls "/local/domain/$(guest_domid "$1")/device/vif/0" | grep -e ring-ref -e event-channel | tr -d '" \n'; }
counter() { vifctl show "$(vif "$1")" | awk -v name="$2" '/^counters/ { on = 1 } on && $1 == name { n = $2 } END { print n + 0 }'; }
stat_of() { guest_run "$1" "ethtool -S eth0" | awk -v name="$2:" '$1 == name { print $2 }'; }
# sum_of NAME WHAT: of all queues
sum_of() { guest_run "$1" "ethtool -S eth0" | awk -v name="_$2:\$" '$1 ~ name { n += $2 } END { print n + 0 }'; }
reaches_peer() { [ "$(ping_lost "$1" $PEER 5)" = 0 ]; }

# The network outside, in a namespace so that dom0's own addresses are none of its business
outside()
{
	OUT=$(netdev_of_pci "$(pf_addresses | sed -n 2p)")
	mkdir -p /run/netns
	$IP netns add out || die "dom0 has no namespaces"
	$IP link set "$OUT" netns out
	out $IP link set "$OUT" up
	out $IP address add 10.0.2.200/24 dev "$OUT"
	out $IP address add fd00::200/64 dev "$OUT" nodad
	out $IP route add 239.0.0.0/8 dev "$OUT"
	wait_for 30 "link of $OUT" out grep -q 1 "/sys/class/net/$OUT/carrier"
}

# The guest's address is none that follows from its MAC, and it answers pings to the group.
joins()
{
	guest_run "$1" "$IP address replace ${IP6[$1]}/64 dev eth0 nodad; sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
		$IP address add $GROUP/32 dev eth0 autojoin"
}
# resolves NAME: a neighbour that forgot the guest finds it by neighbour discovery, which is multicast
resolves() { out $IP -6 neighbour flush dev "$OUT" && out ping -6 -c 1 -W 3 "${IP6[$1]}" >/dev/null; }
# answers_of NAME: to PINGS pings to the group; the first answer to the ping after them ends ping
answers_of() { grep "bytes from $(guest_ip "$1")[: ]" /run/group | grep -vc "seq=$PINGS "; }

# Counts the pings to the group and the neighbour solicitations that the guests do not hear
multicast_lost()
{
	local lost=0 name

	out ping -c $((PINGS + 1)) -i 0.1 -W 3 $GROUP >/run/group 2>&1
	for name in g1 g2; do
		lost=$((lost + PINGS - $(answers_of $name)))
		for _ in 1 2 3; do
			resolves $name || lost=$((lost + 1))
		done
	done
	echo $lost
}

heard() { guest_run "$1" 'cat /sys/class/net/eth0/statistics/rx_packets'; }
# lent NAME: frames in static grants both ways, pages that were granted besides
lent() { echo "$(counter "$1" tx_static) $(counter "$1" rx_static) $(sum_of "$1" tx_granted)"; }
# lends NAME: frames pass in its static grants, both ways, and no other page is granted
lends()
{
	local before after

	before=$(lent "$1")
	reaches_peer "$1" || return 1
	after=$(lent "$1")
	# shellcheck disable=SC2086 # three numbers each
	set -- "$1" $before $after
	[ $# = 7 ] && [ "$5" -gt "$2" ] && [ "$6" -gt "$3" ] && [ "$7" = "$4" ] ||
		{ say "$1: sent, received, granted: $before; now $after; $(stat_of "$1" q0_static_grants) static grants" >&2; return 1; }
}

# hashes NAME: eight flows to the guest arrive in its queue 1, as its table says. ARP has no hash.
hashes()
{
	local before0 before1 in0 in1

	before0=$(stat_of "$1" q0_rx_packets) before1=$(stat_of "$1" q1_rx_packets)
	guest_run "$1" "iperf3 -c $OUTSIDE -p $BED_IPERF_PORT -R -P 8 -b 400k -l 1000 -t 2 >/dev/null 2>&1"
	in0=$(($(stat_of "$1" q0_rx_packets) - before0)) in1=$(($(stat_of "$1" q1_rx_packets) - before1))
	[ $in1 -gt 40 ] && [ $in0 -lt 20 ] || { say "$1: $in0 frames in queue 0, $in1 in queue 1"; return 1; }
}

restarts()
{
	local how name lost=0 now lent=true hashed=true filtered=true stayed=true same=true before

	before="$(connection g1) $(connection g2)"
	for how in KILL TERM KILL; do
		vifd_stop $how
		vifd_start
		wait_for 60 "g1 on a VF" vif_path_is g1 vf
		wait_for 60 "g2 connected" vif_state_is g2 4
		now=$(multicast_lost)
		say "after SIG$how: $now of $((2 * PINGS + 6)) lost"
		lost=$((lost + now))
		for name in g1 g2; do
			wait_for 20 "static grants of $name" lends $name || lent=false
		done
		hashes g1 || hashed=false
		filters_hold g1 || filtered=false
		vif_path_is g2 software || stayed=false
		[ "$(connection g1) $(connection g2)" = "$before" ] || same=false
	done
	check xen_multicast_lost_after_restart $lost "== 0" frames
	check xen_static_grants_after_restart $lent true
	check hashes_after_restart $hashed true
	check filters_after_restart $filtered true
	check admins_move_after_restart $stayed true
	check restart_without_reconnect $same true
	# The list is still one: of a group that is not in it nothing reaches the guest, be it for the NIC or for vifd.
	now=$(heard g2)
	out ping -c 20 -i 0.1 -W 1 239.9.9.10 >/dev/null 2>&1
	check frames_of_other_groups $(($(heard g2) - now)) "< 10" frames
}

# --- rules ------------------------------------------------------------------------------------------------------

# rule NAME: value and source, as vifctl tells them
rule() { vifctl show --why "$(vif g2)" | awk -v rule="$1" '$1 == rule { print $2, $3; exit }'; }
# holds_again: what was saved is in force, by its file, and no frame passes that it forbids
holds_again()
{
	wait_for 60 "g2 connected" vif_state_is g2 4
	[[ $(rule vlan-insert) == "10 $SAVED:"* && $(rule rate) == "625000,50000 $SAVED:"* ]] ||
		{ say "vlan-insert: $(rule vlan-insert), rate: $(rule rate)"; return 1; }
	[ "$(ping_lost g2 $PEER 5)" = 5 ] || { say "frames pass without the VLAN"; return 1; }
}
not_saved_is_gone() { [[ $(rule mtu) == *" default" ]] || { say "mtu: $(rule mtu)"; return 1; }; }

config()
{
	mkdir -p "/run/vifd$1" "/etc/vifd/vif.d$1"
	vifd_config '[daemon]' "workers = $BED_WORKERS" "run_dir = /run/vifd$1" "policy_dir = /etc/vifd/vif.d$1" '[nic bed]' "pf = $PF" \
		"vfs = $BED_VFS" "uplink = $PF"
	export RUNTIME_DIRECTORY=/run/vifd$1 # vifctl looks there
}

# as_on_another_host COMMAND: a vifd that never knew the guest, with the saved file of the former
as_on_another_host()
{
	xl save g2 /run/g2.save >/run/xl.out 2>&1 || { say "save: $(tail -n 3 /run/xl.out)"; return 1; }
	vifd_stop
	config 2
	cp "/etc/vifd/vif.d1/$SAVED" /etc/vifd/vif.d2/
	vifd_start
	out tcpdump -Z root -i "$OUT" -n -e -l ether src "${MAC[g2]}" >/run/arp 2>&1 &
	wait_for 10 "tcpdump" grep -q listening /run/arp
	xl restore /run/g2.save >/run/xl.out 2>&1 || { say "restore: $(tail -n 3 /run/xl.out)"; return 1; }
	rm -f /run/g2.save
	holds_again
}

rules()
{
	local old

	vifctl set "$(vif g2)" mtu=1400 >/dev/null 2>/run/warned
	check_true set_says_what_does_not_last grep -q -e --save /run/warned
	vifctl set --save "$(vif g2)" vlan-insert=10 rate=625000,50000 >/dev/null 2>/run/warned
	check_true set_save_says_nothing test ! -s /run/warned
	check_true rules_at_once holds_again
	vifd_stop KILL
	vifd_start
	check_true rules_after_restart holds_again
	check rule_of_the_domain_after_restart "$(rule mtu)" "== 1400 policy/"
	old=$(guest_domid g2)
	guest_reboot g2
	check_true reboot_is_another_domain [ "$(guest_domid g2)" -gt "$old" ]
	check_true xen_rules_after_reboot holds_again
	check_true not_saved_is_gone not_saved_is_gone
	filters_set g2
	migrate g2
	check_true rules_after_migration_here holds_again
	check_true xen_rules_after_migration as_on_another_host
	# The guest tells it once, when it connects: the frame must not come before its vif is on the switch.
	check_true guest_told_where_it_is wait_for 10 "the guest's ARP" grep -q "vlan 10,.*ARP.*$(guest_ip g2)" /run/arp
	head -n 3 /run/arp
	vifctl set --save "$(vif g2)" vlan-insert rate >/dev/null 2>&1
	check_true frames_pass_without_rules wait_for 20 "g2's answers" reaches_peer g2
	check_true filters_after_migration eval "filters_active g2 3 && filters_hold g2"
	check_true no_file_without_rules test ! -e "/etc/vifd/vif.d2/$SAVED"
}

bed_nic_setup
outside
front_setup
config 1
vifd_start
for name in g1 g2; do
	front_create $name "${MAC[$name]}" vifront
done
for name in g1 g2; do
	front_ready $name vifront
	wait_for 60 "$name on a VF" vif_path_is $name vf
	joins $name
done
vifctl move "$(vif g2)" software >/dev/null
check_true moved_by_the_admin wait_for 30 "g2 in software" vif_path_is g2 software
filters_all g1
guest_run g1 "ethtool -X eth0 weight 0 1" || say "g1 has no table"
for name in g1 g2; do
	check_true "${name}_lends" wait_for 30 "static grants of $name" lends $name
	guest_run $name dmesg >/results/$name.dmesg
	vifctl show "$(vif $name)" >/results/$name.txt
	xenstore-ls "/local/domain/$(guest_domid $name)/device/vif/0" >>/results/$name.txt
done
check_true g1_hashes hashes g1
check multicast_lost_before "$(multicast_lost)" "== 0" frames
[ "$(answers_of g1)" = $PINGS ] || tail -n 5 /run/group
restarts
vifctl move "$(vif g2)" auto >/dev/null
check_true admin_gives_it_back wait_for 60 "g2 on a VF" vif_path_is g2 vf
rules
guest_stop g1
guest_stop g2
vifd_stop
check stop_status $? "== 0"
finish
