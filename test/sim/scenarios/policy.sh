# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rules written with xenstore-write hold at once; wrong rules change nothing; a guest cannot set rules

# EAL's socket is in the bed's own folder, because other beds may run at the same time
export RUNTIME_DIRECTORY=$VIFD_SIM/run

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
front() { echo "/local/domain/$(domid "$1")/device/vif/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 0.3; }
# guest_writes GUEST KEY VALUE...: over the guest's own connection, with its permissions
guest_writes() { XENSTORED_PATH=$VIFD_SIM/xs/$(domid "$1").sock xenstore-write "${@:2}" 2>/dev/null; }
guest_may_not() { ! guest_writes "$@"; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; sleep 0.3; }
error_of() { xenstore-read "$(back "$1")/policy-error" 2>/dev/null || true; }
# loses N: prints how many of 5 pings are lost; tries again while it is not N, since a busy vifd reads rules late
loses() {
	local lost i
	for i in 1 2 3 4; do
		lost=$(ping_lost a b 5)
		[ "$lost" != "$1" ] || break
		sleep "0.$i"
	done
	echo "$lost"
}
requests=0
asks() {
	requests=$((requests + 1))
	guest_writes a "$(front a)/capability" "version=1 generation=$requests $*"
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
passes "lost without rules"
rule a vlan-insert 10
stops "lost between VLANs"
rule b vlan-insert 10
passes "lost in one VLAN"
timed "tcp in one VLAN" "$(tcp_mbps a b 2)" "> 100" Mbit/s
rule a vlan-insert 4095
check_true "a wrong value is reported" test -n "$(error_of a)"
passes "lost after a wrong value"
no_rule a vlan-insert
check_true "the report goes once the value is right" test -z "$(error_of a)"
stops "lost after its rule was removed"
no_rule b vlan-insert
rule a ip "$(guest_ip a)"
passes "lost with its own ip"
rule a ip 10.77.0.99
stops "lost with another ip"
guest_writes a "$(front a)/policy/ip-anti-spoof" 0 "$(front a)/policy/ip" "" "$(front a)/ip" ""
sleep 0.3
stops "lost although the guest writes rules"
no_rule a ip
own_mac=$(guest_run a cat /sys/class/net/eth0/address)
guest_writes a "$(front a)/mac" 02:00:00:00:00:99 "$(front a)/policy/anti-spoof" 0 "$(front a)/policy/macs" 02:00:00:00:00:99
sleep 0.3
passes "lost although the guest writes another mac"
guest_run a ip link set eth0 address 02:00:00:00:00:99
stops "lost with a mac that the guest chose"
asks mac=02:00:00:00:00:99 flags=2
check_true "the refusal is in the record" wait_for 10 "an answer" answered "flags=0 flags-allowed=0 .*mac=$own_mac"
stops "lost with a requested mac"
rule a guest-mac 1
rule a guest-promiscuous 1
check_true "the grant is in the record" wait_for 10 "another answer" answered "flags=2 flags-allowed=2 .*mac=02:00:00:00:00:99"
passes "lost with a granted mac"
mac_of_b=$(xenstore-read "$(back b)/mac")
asks "mac=$mac_of_b"
check_true "the mac of another vif is refused" wait_for 10 "a refusal" answered "mac=$own_mac"
check "requests granted" "$(shown requests_granted)" "== 2"
check "requests refused" "$(shown requests_refused)" "== 3"
no_rule a guest-mac
no_rule a guest-promiscuous
guest_run a ip link set eth0 address "$own_mac"
passes "lost with its own mac again"
for key in policy/vlan-insert policy/link policy-error mac ip rate; do
	check_true "the guest cannot write $key" guest_may_not a "$(back a)/$key" 1
done
rule a vlan-insert 10
check_true "the guest cannot change a rule of the admin" guest_may_not a "$(back a)/policy/vlan-insert" 20
check_true "the guest cannot remove a rule of the admin" sh -c "! XENSTORED_PATH=$VIFD_SIM/xs/$(domid a).sock xenstore-rm $(back a)/policy/vlan-insert 2>/dev/null"
timeout 20 "$SIM_TOP/$BUILD/vifctl" set "$(domid a).0" vlan-insert=11 mtu=1400 >/dev/null
check "vifctl wrote the rule" "$(xenstore-read "$(back a)/policy/vlan-insert")" "== 11"
check_true "the guest cannot change a rule written by vifctl" guest_may_not a "$(back a)/policy/mtu" 9000
no_rule a vlan-insert
no_rule a mtu
rule b link off
stops "lost with link off"
check "carrier with link off" "$(xenstore-read "$(back b)/carrier")" "== 0"
no_rule b link
passes "lost at the end"
guest_stop a || die "guest a did not end"
guest_stop b || die "guest b did not end"
guest_destroy a
guest_destroy b
vifd_stop || die "vifd did not end well"
