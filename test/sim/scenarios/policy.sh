# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rules written with xenstore-write hold at once, wrong ones change nothing, a guest's own do nothing

# EAL's socket in the bed's own folder: other beds may run at the same time
export RUNTIME_DIRECTORY=$VIFD_SIM/run

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
front() { echo "/local/domain/$(domid "$1")/device/vif/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 0.3; }
# guest_writes GUEST KEY VALUE...: by the guest's own connection, with its rights
guest_writes() { XENSTORED_PATH=$VIFD_SIM/xs/$(domid "$1").sock xenstore-write "${@:2}" 2>/dev/null; }
guest_may_not() { ! guest_writes "$@"; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; sleep 0.3; }
told() { xenstore-read "$(back "$1")/policy-error" 2>/dev/null || true; }
# loses N: how many of 5 are lost, once vifd has had the time to read the rule on a busy machine
loses() {
	local lost i
	for i in 1 2 3 4; do
		lost=$(ping_lost a b 5)
		[ "$lost" != "$1" ] || break
		sleep "0.$i"
	done
	echo "$lost"
}
wishes=0
asks() {
	wishes=$((wishes + 1))
	guest_writes a "$(front a)/capability" "version=1 generation=$wishes $*"
}
answered() { xenstore-read "$(back a)/capability" | grep -q -- "$1"; }
shown() { timeout 20 "$SIM_TOP/$BUILD/vifctl" show "$(domid a).0" | sed -n "s/^ *$1  *//p"; }
passes() { check "$1" "$(loses 0)" "== 0" frames; }
stops() { check "$1" "$(loses 5)" "== 5" frames; }

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
timed "tcp_in_one_vlan" "$(tcp_mbps a b 2)" "> 100" Mbit/s
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
guest_writes a "$(front a)/policy/ip-anti-spoof" 0 "$(front a)/policy/ip" "" "$(front a)/ip" ""
sleep 0.3
stops "lost_though_the_guest_says_otherwise"
no_rule a ip
own_mac=$(guest_run a cat /sys/class/net/eth0/address)
guest_writes a "$(front a)/mac" 02:00:00:00:00:99 "$(front a)/policy/anti-spoof" 0 "$(front a)/policy/macs" 02:00:00:00:00:99
sleep 0.3
passes "lost_though_its_mac_says_otherwise"
guest_run a ip link set eth0 address 02:00:00:00:00:99
stops "lost_with_a_mac_it_gave_itself"
asks mac=02:00:00:00:00:99 flags=2
check_true "refusal_is_told" wait_for 10 "an answer" answered "flags=0 flags-allowed=0 .*mac=$own_mac"
stops "lost_with_a_mac_it_asked_for"
rule a guest-mac 1
rule a guest-promiscuous 1
check_true "grant_is_told" wait_for 10 "another answer" answered "flags=2 flags-allowed=2 .*mac=02:00:00:00:00:99"
passes "lost_with_a_mac_it_was_granted"
mac_of_b=$(xenstore-read "$(back b)/mac")
asks "mac=$mac_of_b"
check_true "no_other_vif's_mac" wait_for 10 "a refusal" answered "mac=$own_mac"
check "wishes_granted" "$(shown requests_granted)" "== 2"
check "wishes_refused" "$(shown requests_refused)" "== 3"
no_rule a guest-mac
no_rule a guest-promiscuous
guest_run a ip link set eth0 address "$own_mac"
passes "lost_with_its_own_mac_again"
for key in policy/vlan-insert policy/link policy-error mac ip rate; do
	check_true "guest_may_not_write_$key" guest_may_not a "$(back a)/$key" 1
done
rule a vlan-insert 10
check_true "nor_change_what_the_admin_wrote" guest_may_not a "$(back a)/policy/vlan-insert" 20
check_true "nor_remove_it" sh -c "! XENSTORED_PATH=$VIFD_SIM/xs/$(domid a).sock xenstore-rm $(back a)/policy/vlan-insert 2>/dev/null"
timeout 20 "$SIM_TOP/$BUILD/vifctl" set "$(domid a).0" vlan-insert=11 mtu=1400 >/dev/null
check "vifctl_wrote" "$(xenstore-read "$(back a)/policy/vlan-insert")" "== 11"
check_true "nor_what_vifctl_wrote" guest_may_not a "$(back a)/policy/mtu" 9000
no_rule a vlan-insert
no_rule a mtu
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
