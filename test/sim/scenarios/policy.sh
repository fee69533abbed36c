# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rules written with xenstore-write hold at once, wrong ones change nothing, a guest's own do nothing

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
front() { echo "/local/domain/$(domid "$1")/device/vif/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 0.3; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; sleep 0.3; }
told() { xenstore-read "$(back "$1")/policy-error" 2>/dev/null || true; }
passes() { check "$1" "$(ping_lost a b 5)" "== 0" frames; }
stops() { check "$1" "$(ping_lost a b 5)" "== 5" frames; }

vifd_start
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
passes "lost_without_rules"
rule a vlan-insert 10
stops "lost_between_vlans"
rule b vlan-insert 10
passes "lost_in_one_vlan"
check "tcp_in_one_vlan" "$(tcp_mbps a b 2)" "> 100" Mbit/s
rule a vlan-insert 4095
check_true "wrong_value_is_told" test -n "$(told a)"
passes "lost_after_wrong_value"
no_rule a vlan-insert
check_true "right_again_is_told" test -z "$(told a)"
stops "lost_after_removal"
no_rule b vlan-insert
rule a ip "$(guest_ip a)"
passes "lost_with_its_own_ip"
rule a ip 10.77.0.99
stops "lost_with_another_ip"
xenstore-write "$(front a)/policy/ip-anti-spoof" 0 "$(front a)/policy/ip" "" "$(front a)/ip" ""
sleep 0.3
stops "lost_though_the_guest_says_otherwise"
no_rule a ip
own_mac=$(guest_run a cat /sys/class/net/eth0/address)
xenstore-write "$(front a)/mac" 02:00:00:00:00:99 "$(front a)/policy/anti-spoof" 0 "$(front a)/policy/macs" 02:00:00:00:00:99
sleep 0.3
passes "lost_though_its_mac_says_otherwise"
guest_run a ip link set eth0 address 02:00:00:00:00:99
stops "lost_with_a_mac_it_gave_itself"
guest_run a ip link set eth0 address "$own_mac"
passes "lost_with_its_own_mac_again"
rule b link off
stops "lost_with_link_off"
check "carrier_with_link_off" "$(xenstore-read "$(back b)/carrier")" "== 0"
no_rule b link
passes "lost_at_the_end"
guest_stop a || die "guest a did not end"
guest_stop b || die "guest b did not end"
guest_destroy a
guest_destroy b
vifd_stop || die "vifd did not end well"
