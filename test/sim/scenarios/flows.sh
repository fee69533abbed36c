# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# a device that accepts rte_flow rules drops only what the path would drop, and keeps no rule when the vif moves
#
#     guest a -- vifd --+-- a NIC with rules (test/sim/nic) -- nic0 -- wire0 in "host"
#                       +-- the switch -- up0 ------------------------ eth0 in "host"

export RUNTIME_DIRECTORY=$VIFD_SIM/run
export NIC_STATE=$VIFD_SIM/nic
VIFCTL=$SIM_TOP/$BUILD/vifctl
table=$VIFD_SIM/table
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
path_is() { [ "$(xenstore-read "$back/path")" = "$1" ]; }
# nic N: a number of its state: 1 = rules that it has, 3, 4 = frames that they dropped, received and sent
nic() { od -A n -t u8 -w32 "$NIC_STATE" | awk -v n="$1" '{ print $n }'; }
nic_has_no_rule() { [ "$(nic 1)" = 0 ]; }
nic_has_rules() { [ "$(nic 1)" -gt 0 ]; }
# the rules of which `vifctl show --why` says "software and hardware"
enforced() { ctl show --why "$(domid a).0" | sed -n 's/^\([a-z-]*\) .*software and hardware$/\1/p' | sort | xargs; }
all_are_in_hardware() { [ "$(enforced)" = "anti-spoof broadcast macs multicast unknown-unicast vlan-filter" ]; }

ip link add "nic$SIM_ID" type veth peer name "wire$SIM_ID"
ip link set "nic$SIM_ID" netns "$(ns dom0)" name nic0
ip link set "wire$SIM_ID" netns "$(ns host)" name wire0
in_ns dom0 ip link set nic0 up
in_ns host ip link set wire0 up
# nobody answers, so each frame on the bed is one of the table's
in_ns host ip addr flush dev eth0
# cases that involve no other vif
"$SIM_TOP/$BUILD/test/unit/verdict_test" --list |
	grep -E $'\t(vlan|allow-untagged|macs|anti-spoof|broadcast|multicast|unknown-unicast)[^\t]*=' >"$table"

SIM_VIFD_WRAP="env LD_PRELOAD=$BIN/lib/libflownic.so FLOWNIC_WIRE=nic0 FLOWNIC_STATE=$NIC_STATE ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-}"
vifd_start '[daemon]' "workers = $SIM_WORKERS" 'log_level = debug' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'vdev = net_null,no-rx=1'
guest_create a mac=02:00:00:00:00:01
back=/local/domain/0/backend/vif/$(domid a)/0
guest_start a || die "guest a did not connect"
in_ns a ip link set eth0 arp off
in_ns a ip addr flush dev eth0
wait_for 10 "a device of its own" path_is vf || die "a has no device of its own"
check_true "the NIC has rules from the start" wait_for 5 "rules in the NIC" nic_has_rules
check "rules in hardware at the start" "$(enforced)" "== anti-spoof"

check_true "every case ran" "$SIM_TOP/test/sim/rules" vf "$(domid a).0" "$back" "$(ns a)" "$(ns host)" wire0 "$VIFD_SIM/vf.json" <"$table"
of() { python3 -c "import json; print(sum(1 for c in json.load(open('$VIFD_SIM/vf.json')) if $1))"; }
by_nic() { python3 -c "import json; print(*sorted({c['expected'] for c in json.load(open('$VIFD_SIM/vf.json')) if c['cause'] == 'nic'}))"; }
cp "$VIFD_SIM/vf.json" "$SIM_LOGS/"
check cases "$(of True)" ">= 40"
check cases_wrong "$(of "not c['ok']")" "== 0"
check "causes for which the NIC drops received frames" "$(by_nic)" "== rx_drop_broadcast rx_drop_multicast rx_drop_unicast rx_drop_vlan"
check "frames passed by the path and dropped by the NIC" "$(nic 4)" "== 0"

ctl set "$(domid a).0" vlan-filter=10,20-29 macs=02:00:00:00:00:03 broadcast=0 multicast=0 unknown-unicast=0 rate=62500,50000 >/dev/null
check_true "the NIC has all six rules" wait_for 5 "six rules" all_are_in_hardware
ctl move "$(domid a).0" software >/dev/null
check_true "the NIC has no rule after a move" wait_for 10 "an empty NIC" nic_has_no_rule
check "rules in hardware after a move" "$(enforced | wc -w)" "== 0"
ctl move "$(domid a).0" vf >/dev/null
check_true "the NIC has rules again" wait_for 10 "rules in the NIC" nic_has_rules
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_destroy a
check_true "the NIC has no rule of a destroyed guest" wait_for 10 "an empty NIC" nic_has_no_rule
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
