# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A virtual PF: what a guest sets of its virtual VFs holds, never beyond the rules; results: virtual-pf.json
#
#     guest a: vif 0 = PF (messages), vif 1..3 = VF 0..2 -- vifd -- up0 -- host       guest b: a neighbour
#                                                                                guest c: in VLAN 105 by its rules

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
key() { xenstore-read "$1" 2>/dev/null; }
key_is() { [ "$(key "$1")" = "$2" ]; }
key_has() { [[ $(key "$1") == *"$2"* ]]; }
log_says() { grep -q "$1" "$SIM_LOGS/vifd.log"; }
# vif DEVID MEMBER: of guest a, by vifctl
vif() { ctl --json show "$A.$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"; }

# A file for each virtual VF, by its address, as doc/virtual-pf.md says. VF 2 may set nothing
mkdir -p "$VIFD_SIM/policy"
mac() { printf '00:16:3e:77:00:%02x' "$1"; }
for vf in 1 2 3; do
	printf '%s\n' '[match]' "mac = $(mac $vf)" '[policy]' 'virtual-pf = 0' 'rate = 625000,50000' >"$VIFD_SIM/policy/vf$vf.conf"
	[ $vf = 3 ] || printf '%s\n' 'guest-mac = 1' 'guest-vlan = 100-109' 'guest-rate = 200' 'guest-promiscuous = 1' \
		>>"$VIFD_SIM/policy/vf$vf.conf"
done
printf '%s\n' '[match]' "mac = $(mac 10)" '[policy]' 'vlan-insert = 105' >"$VIFD_SIM/policy/c.conf"
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" "policy_dir = $VIFD_SIM/policy" '' '[nic sim]' 'uplink = up0'
guest_create a "mac=$(mac 0)"
guest_create b "mac=$(mac 9)"
guest_create c "mac=$(mac 10)"
A=$(domid a)
back=/local/domain/0/backend/vif/$A
for vf in 1 2 3; do simctl vif-add a devid=$vf "mac=$(mac $vf)" >/dev/null; done
check_true "a VF is told its PF before InitWait" wait_for 10 "virtual-pf" key_is "$back/3/virtual-pf" 0
check_true "it waits" key_is "$back/3/state" 2

mkfifo "$VIFD_SIM/asked" "$VIFD_SIM/answers"
exec 7<>"$VIFD_SIM/asked" 8<>"$VIFD_SIM/answers"
"$BIN/simguest-vpf" "$A" <"$VIFD_SIM/asked" >"$VIFD_SIM/answers" 2>"$SIM_LOGS/simguest-vpf.log" &
pf_pid=$!
read -r -t 20 ready <&8 || die "the virtual PF did not connect"
[ "$ready" = ready ] || die "the virtual PF: $ready"
# ask MESSAGE...: prints the answer
ask() {
	local answer
	echo "$*" >&7
	read -r -t 20 answer <&8 || answer="no answer"
	echo "$answer"
}
check_true "the record lists the VFs" wait_for 10 "virtual-vfs" key_has "$back/0/capability" virtual-vfs=1,2,3

vf_2_is_gone() { [ "$(ask states 0)" = "3: 1 2 gone" ]; }

# settings VF: without what frames change
settings() {
	local answer
	answer=$(ask query "$1")
	echo "${answer%% connected*}"
}

# --- what a guest can set ------------------------------------------------------------------------------
check "parked VF" "$(ask query 0)" "== refused 3"
check "vfs_created" "$(ask enable 3)" "== ok 3"
check_true "vifctl list has the VFs below their PF" \
	sh -c "$VIFCTL list | grep -A3 '^$A.0 ' | tail -n 3 | grep -c '^  $A.[123] ' | grep -qx 3"
check "vifctl counts what is wanted" "$(vif 0 virtual_vfs_wanted)" "== 3"
check "one message tells of all VFs" "$(ask states 0)" "== 3: 1 2 3"
check "and from one on" "$(ask states 1)" "== 2: 2 3"
before=$(ask query 0)
check "mac" "$(ask set 0 mac 0x0200 0x00770001)" "== ok 0"
check "vlan" "$(ask set 0 vlan $((105 | 3 << 16)) 0x8100)" "== ok 0"
check "rate" "$(ask set 0 rate 0 150)" "== ok 0"
check "link" "$(ask set 0 link 1 0)" "== ok 0"
check "spoofchk" "$(ask set 0 spoofchk 1 0)" "== ok 0"
check "trust" "$(ask set 0 trust 0 0)" "== ok 0"
state="mac=02:00:00:77:00:01 vlan=105 priority=3 rate=0..150 spoofchk=1 trust=0 link=1 connected=0 handle=1 tx=0 rx=0"
check "what is set is read back" "$(ask query 0)" "== $state"

# The VF connects after that, and its frames have the tag on the wire
start_vf() {
	ip netns exec "$(ns vf)" "$BIN/simguest-tap" --tap eth0 "$A" 1 >"$SIM_LOGS/vf.log" 2>&1 &
	vf_pid=$!
	wait_for 15 "VF 0" grep -q '^ready' "$SIM_LOGS/vf.log"
}
guest_start c || die "guest c did not connect"
in_ns c ip addr add 10.77.5.1/24 dev eth0
ns_create vf
start_vf || die "VF 0 did not connect"
in_ns vf ip addr add 10.77.5.2/24 dev eth0
in_ns vf ip addr add 10.77.0.200/24 dev eth0
answers() { in_ns vf ping -c 1 -W 1 10.77.5.1 >/dev/null 2>&1; }
check_true "a VF reaches its VLAN" wait_for 10 "VLAN 105" answers
lost() { in_ns "$1" ping -i 0.02 -c "$2" -W 1 -q "$3" | sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p'; }
check "pings lost in the VLAN, %" "$(lost vf 50 10.77.5.1)" "== 0"
check_true "a VF does not reach another VLAN" sh -c "! ip netns exec $(ns vf) ping -c 3 -i 0.1 -W 1 10.77.0.1 >/dev/null"

# --- a new vifd -----------------------------------------------------------------------------------------
vifd_kill
vifd_start
check_true "after a restart of vifd the VF is in its VLAN" wait_for 20 "VLAN 105" answers
check "after a restart of vifd it is read back" "$(settings 0)" "== ${state%% connected*}"

# --- beyond the rules -----------------------------------------------------------------------------------
tried=0 escaped=0
# escape WHAT MESSAGE...: anything but a refusal is an escape
escape() {
	local what=$1 answer
	shift
	answer=$(ask "$@")
	tried=$((tried + 1))
	case $answer in
		refused*|unsupported) ;;
		*) escaped=$((escaped + 1)); say "escape: $what: $answer" ;;
	esac
}
now=$(settings 0) third=$(ask query 2)
escape "VLAN below" set 0 vlan 99 0x8100
escape "VLAN above" set 0 vlan 110 0x8100
escape "VLAN without a rule" set 2 vlan 100 0x8100
escape "VLAN 4095" set 0 vlan 4095 0x8100
escape "VLAN of 13 bits" set 0 vlan 4196 0x8100
escape "priority 8" set 0 vlan $((100 | 8 << 16)) 0x8100
escape "priority alone" set 0 vlan $((1 << 16)) 0x8100
escape "802.1ad" set 0 vlan 100 0x88a8
escape "rate above" set 0 rate 0 201
escape "rate of another VF" set 2 rate 0 101
escape "least above most" set 0 rate 60 50
escape "a guarantee" set 0 rate 1 100
escape "multicast" set 0 mac 0x0100 0x5e000001
escape "zero" set 0 mac 0 0
escape "the PF's address" set 1 mac 0x0016 0x3e770000
escape "a VF's address" set 1 mac 0x0016 0x3e770003
escape "a VF's new address" set 1 mac 0x0200 0x00770001
escape "a neighbour's address" set 1 mac 0x0016 0x3e770009
escape "the host's address" set 1 mac "0x$(in_ns dom0 cat /sys/class/net/up0/address | tr -d : | cut -c1-4)" \
	"0x$(in_ns dom0 cat /sys/class/net/up0/address | tr -d : | cut -c5-)"
escape "address without a rule" set 2 mac 0x0200 0x00770002
escape "no spoof check" set 0 spoofchk 0
escape "trust without a rule" set 2 trust 1
escape "a link of the future" set 0 link 3
escape "attribute 9" set 0 9 1
escape "VF 3" set 3 spoofchk 1
escape "VF 65535" set 65535 spoofchk 1
escape "VFs by ten thousand" enable 10000
escape "all VFs there can be" enable 0xffffffff
escape "a word too many" raw 0x7611 1 1
escape "no page" raw 0x7613 0 7
escape "an unknown message" raw 0x7618 1
escape "a rule: a tag below" rule 9 0 pass push=99
escape "a rule: a tag above" rule 9 0 pass push=110
escape "a rule: a tag in place of another" rule 9 0 pass pop push=110
escape "a rule: a tag to another VF" rule 9 0 to=1 push=110
escape "a rule: no tag where one must be" rule 9 0 pass pop
escape "a rule: VLAN 0" rule 9 0 pass push=0
escape "a rule: VLAN 4095" rule 9 0 pass push=4095
escape "a rule: a tag of 17 bits of which 16 are fine" rule 9 0 pass push=$((105 | 1 << 12))
escape "a rule: to VF 3" rule 9 0 to=3
escape "a rule: to VF 65535" rule 9 0 to=65535
escape "a rule: to itself" rule 9 0 to=0
escape "a rule: about VF 3" rule 9 3 drop
escape "a rule: about VF 256, 0 in 8 bits" rule 9 256 drop
escape "a rule: a fourth fate" rule 9 0 4
escape "a rule: no fate" rule 9 0 0
escape "a rule: no items" rule 9 0 drop items=0
escape "a rule: 13 items" rule 9 0 drop items=13
escape "a rule: two items of which one is none" rule 9 0 drop items=2
escape "a rule without a page" raw 0x7614 7
escape "a rule that is not there" unrule 9
check "no rule is left of that" "$(ask counts)" "== counts"
check "escapes change nothing" "$(settings 0)" "== $now"
check "nor at the other VF" "$(ask query 2)" "== $third"
check envelope_escapes_tried $tried ">= 20"
check envelope_escapes $escaped "== 0"
check "vifctl counts refusals" "$(vif 0 virtual_vfs_refused)" ">= 20"

# --- rules about what a VF sends ----------------------------------------------------------------------------
#
#     vf: VF 0, 10.77.6.1                                    vf2: VF 1, 10.77.6.2
start_vf2() {
	ip netns exec "$(ns vf2)" "$BIN/simguest-tap" --tap eth0 "$A" 2 >"$SIM_LOGS/vf2.log" 2>&1 &
	vf2_pid=$!
	wait_for 15 "VF 1" grep -q '^ready' "$SIM_LOGS/vf2.log"
}
count_of() { ask counts | sed -n "s/.* $1=\([0-9]*\).*/\1/p"; }
counter() { ctl --json show "$A.$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"].get(sys.argv[1], 0))' "$2"; }
pings() { in_ns vf ping -i 0.02 -c 20 -W 1 -q "$1" 2>/dev/null | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }
ask set 0 vlan 0 0x8100 >/dev/null
ns_create vf2
start_vf2 || die "VF 1 did not connect"
in_ns vf ip addr add 10.77.6.1/24 dev eth0
in_ns vf2 ip addr add 10.77.6.2/24 dev eth0
reach_vf2() { in_ns vf ping -c 1 -W 1 10.77.6.2 >/dev/null 2>&1; }
check_true "two VFs reach each other" wait_for 10 "VF 1" reach_vf2
check "a rule" "$(ask rule 1 0 drop type=0x0800)" "== ok 0"
check "pings that a rule lets through" "$(pings 10.77.6.2)" "== 0"
check "it counts them" "$(count_of 1)" ">= 20"
check "vifctl counts them" "$(counter 1 tx_drop_vf_rule)" ">= 20"
listed() { ctl flows "$A.1" | grep -q ' tx .*: count drop$'; }
check_true "vifctl shows the rule" listed
check "a rule before it" "$(ask rule 2 0 pass type=0x0800)" "== ok 0"
check "it comes after it" "$(pings 10.77.6.2)" "== 0"
check "it ends" "$(ask unrule 1)" "== ok 0"
check "pings without it" "$(pings 10.77.6.2)" "== 20"
check "the other one counts now" "$(count_of 2)" ">= 20"
ask flush >/dev/null
check "to VF 1" "$(ask rule 3 0 to=1)" "== ok 0"
check "to VF 0" "$(ask rule 4 1 to=0)" "== ok 0"
check "pings through two redirects" "$(pings 10.77.6.2)" "== 20"
check "frames that were redirected" "$(counter 1 tx_redirected)" ">= 20"
check "and back" "$(counter 2 tx_redirected)" ">= 20"
check "what is for another is not taken" "$(pings 10.77.0.1)" "== 0"
check "counts without a page" "$(ask raw 0x7617 0 7)" "== refused 10"
vifd_kill
vifd_start
check_true "after a restart of vifd the redirects work" wait_for 20 "VF 1" reach_vf2
check "and no ping is lost" "$(pings 10.77.6.2)" "== 20"
check "frames that the new vifd redirected" "$(counter 1 tx_redirected)" ">= 20"
check "VF 1 in VLAN 105" "$(ask set 1 vlan 105 0x8100)" "== ok 0"
check "a frame of no VLAN is not for VF 1, whoever says so" "$(pings 10.77.6.2)" "== 0"
dropped=$(counter 2 rx_drop_untagged)
check "VF 1 has dropped them" "$dropped" ">= 20"
check "a tag" "$(ask rule 5 0 to=1 push=105 type=0x0800)" "== ok 0"
check "before it comes" "$(ask unrule 3)" "== ok 0"
received=$(counter 2 rx_packets)
pings 10.77.6.2 >/dev/null
check "VF 1 gets those with its tag" "$(($(counter 2 rx_packets) - received))" ">= 20"
ask enable 0 >/dev/null
ask enable 3 >/dev/null
check "the rules end with the VFs" "$(ask counts)" "== counts"
end $vf2_pid

# numvfs flaps: the neighbour loses nothing
guest_start b || die "guest b did not connect"
wait_for 10 "guest b" sh -c "ip netns exec $(ns b) ping -c 1 -W 1 10.77.0.1" || true
in_ns b ping -i 0.02 -c 150 -W 2 -q 10.77.0.1 >"$VIFD_SIM/neighbour" &
neighbour=$!
flaps=0
while kill -0 $neighbour 2>/dev/null; do
	ask enable $((flaps % 4)) >/dev/null
	flaps=$((flaps + 1))
done
check "flaps of numvfs" $flaps ">= 20"
check "pings of a neighbour lost meanwhile, %" "$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$VIFD_SIM/neighbour")" "== 0"

# --- the end -----------------------------------------------------------------------------------------------
check "numvfs 0" "$(ask enable 0)" "== ok 0"
check "numvfs 1" "$(ask enable 1)" "== ok 1"
check "a VF that was not wanted has lost what was set" "$(settings 0)" "== ${before%% connected*}"
check "before anything was set" "${before%% rate*}" "== mac=$(mac 1) vlan=0 priority=0"
check "vlan again" "$(ask set 0 vlan 105 0x8100)" "== ok 0"
check "the PF connects again" "$(ask reconnect)" "== ok 0"
check "nothing is wanted then" "$(ask query 0)" "== refused 3"
check "numvfs 3" "$(ask enable 3)" "== ok 3"
simctl vif-del a 3
check_true "a VF whose vif was detached is gone" wait_for 10 "VF 2" vf_2_is_gone
check "nothing can be set of it" "$(ask set 2 spoofchk 1)" "== refused 9"
printf '%s\n' '[match]' "mac = $(mac 2)" '[policy]' 'virtual-pf = 2' >"$VIFD_SIM/policy/vf2.conf"
check_true "a VF of itself is refused" wait_for 10 "policy-error" key_has "$back/2/policy-error" "the interface itself"
printf '%s\n' '[match]' "mac = $(mac 2)" '[policy]' 'virtual-pf = 77' >"$VIFD_SIM/policy/vf2.conf"
check_true "a PF that is missing is told once" wait_for 10 "the log" log_says 'virtual-pf=77: no such interface'
end $vf_pid
echo quit >&7
status=0
wait $pf_pid || status=$?
check "grants of the PF given back" $status "== 0"
results_write "$SIM_RESULT"
test/xen/result_into "$BUILD/results/$SIM_RESULT.json" "$BUILD/results/virtual-pf.json" \
	envelope_escapes_tried envelope_escapes
