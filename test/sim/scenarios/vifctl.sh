# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifctl against a running vifd: list, show, vfs, top, watch and move under traffic; capability records

# EAL's socket is in the bed's own folder, because other beds may run at the same time
export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
# ctl_status WANT ARGUMENT...: checks the exit status
ctl_status() {
	local want=$1 status=0
	shift
	ctl "$@" >/dev/null || status=$?
	[ $status = "$want" ]
}
# of JSON_EXPRESSION COMMAND...: a value from the command's output with --json, which is x
of() {
	local expression=$1
	shift
	ctl --json "$@" | python3 -c "import json, sys; x = json.load(sys.stdin); print($expression)"
}
backend_key() { xenstore-read "/local/domain/0/backend/vif/$A/0/$1"; }
front_key() { xenstore-write "/local/domain/$A/device/vif/0/$1" "$2"; }
generation() { backend_key capability | sed -n 's/.*generation=\([0-9]*\).*/\1/p'; }
capability() { of "x['capability'].get('$1')" show "$A.0"; }
capability_is() { [ "$(capability "$1")" = "$2" ]; }

check_true "status 3 without vifd" ctl_status 3 list
vifd_start
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
A=$(domid a)

check "list: vifs" "$(of 'len(x)' list)" "== 2"
check "list: path" "$(of 'x[0]["path"]' list)" "== software"
check_true "list: text" sh -c "'$VIFCTL' list | grep -q '^$A\.0  *a  *[0-9a-f:]*  *connected  *software '"
ping_lost a b 20 >/dev/null
check "show: frames of pings" "$(of "x['counters']['tx_packets']" show "$A.0")" ">= 20"
check "show: queues add up" "$(of "sum(q['tx_packets'] for q in x['queue_counters']) == x['counters']['tx_packets']" show "$A.0")" "== True"
check "nics" "$(of 'x[0]["nic"]' nics)" "== sim"
check "vfs: none on this bed" "$(of 'len(x)' vfs)" "== 0"
check "counters: text" "$(of "x['tx_drop_spoof']" counters)" "== frames whose source address is not the vif's"
ctl metrics >"$SIM_LOGS/metrics"
check "metrics: families" "$(grep -c '^# TYPE ' "$SIM_LOGS/metrics")" ">= 40"
check "metrics: frames of pings" "$(sed -n "s/^vifd_vif_tx_packets_total{vif=\"$A.0\",guest=\"a\"} //p" "$SIM_LOGS/metrics")" ">= 20"
check "metrics: causes of drops" "$(grep -c "^vifd_vif_tx_dropped_total{vif=\"$A.0\"" "$SIM_LOGS/metrics")" ">= 10"
# what the dashboard shows and nobody counts
unknown=0
for name in $(grep -oE 'vifd_(vif|nic|memory)_[a-z_]*' "$SIM_TOP/toolstack-hooks/examples/grafana.json" | sort -u); do
	grep -q "^# TYPE $name " "$SIM_LOGS/metrics" || unknown=$((unknown + 1))
done
check "metrics: unknown ones in the dashboard" "$unknown" "== 0"
check_true "status 1 for an unknown vif" ctl_status 1 show 999.0
check "show: by the guest's name" "$(of 'x["vif"]' show a)" "== $A.0"
check "show: by the guest's name and handle" "$(of 'x["vif"]' show a.0)" "== $A.0"
check_true "show: a name that nobody has" ctl_status 1 show nobody
check_true "status 2 for an unknown command" ctl_status 2 frobnicate

# rules: set all or none, live; show where each comes from
# why RULE MEMBER [VIF]
why() { of "next(r['$2'] for r in x if r['rule'] == '$1')" show --why "${3:-$A.0}"; }
check "source of a rule that nobody set" "$(why anti-spoof source)" "== default"
check "value of a rule that nobody set" "$(why anti-spoof value)" "== 1"
check "enforcement without a NIC" "$(why anti-spoof enforced)" "== software"
check_true "two rules are set at once" ctl_status 0 set "$A.0" vlan-insert=10/5 mtu=1400
check "the first rule is in xenstore" "$(backend_key policy/vlan-insert)" "== 10/5"
check "the second rule is in force" "$(of "x['mtu']" show "$A.0")" "== 1400"
check "pings lost between VLANs" "$(ping_lost a b 5)" "== 5"
check "source of a rule set by vifctl" "$(why vlan-insert source)" "== policy/"
check_true "one wrong rule refuses all" ctl_status 1 set "$A.0" vlan-insert= mtu=67
check_true "the reason is printed" grep -qF "policy/mtu: '67': expected 68..9000" "$SIM_LOGS/vifctl.log"
check "no rule was written" "$(backend_key policy/vlan-insert)" "== 10/5"
check_true "no policy-error remains" sh -c "! xenstore-read /local/domain/0/backend/vif/$A/0/policy-error"
check_true "status 1 for an unknown rule" ctl_status 1 set "$A.0" vlan-insret=10
check_true "rules are removed" ctl_status 0 set "$A.0" vlan-insert mtu
check_true "rules are removed from xenstore" sh -c "! xenstore-read /local/domain/0/backend/vif/$A/0/policy/vlan-insert"
check "mtu is back to the default" "$(of "x['mtu']" show "$A.0")" "== 1500"
check "pings lost without rules" "$(ping_lost a b 5)" "== 0"
xenstore-write "/local/domain/0/backend/vif/$A/0/mtu" 1300
check "source of a key of xl" "$(why mtu source)" "== xl"
xenstore-rm "/local/domain/0/backend/vif/$A/0/mtu"
xenstore-write "/local/domain/0/backend/vif/$A/0/policy/vlan" 5000
check_true "show --why fails for a refused policy" ctl_status 1 show --why "$A.0"
check_true "a wrong key is removed" ctl_status 0 set "$A.0" vlan

# top counts traffic
(gap=$(ping_lost a b 150); echo "$gap" >"$VIFD_SIM/lost") &
pings=$!
check "top: frames each second" "$(of "sum(s['tx_pps'] for s in x)" top --count 1)" "> 20"
wait $pings

# moves under traffic, as far as a bed without VFs allows
(ping_lost a b 200 >"$VIFD_SIM/lost") &
pings=$!
check_true "a move to a VF is refused without VFs" ctl_status 1 move "$A.0" vf
check "reason of the refused move" "$(of "x['move_error']" show "$A.0")" "== no VF is free"
check_true "a move to the present path succeeds" ctl_status 0 move "$A.0" software
wait $pings
check "pings lost during moves" "$(cat "$VIFD_SIM/lost")" "== 0"

# the record changes; an aware front end answers
check_true "the record exists" sh -c "xenstore-read /local/domain/0/backend/vif/$A/0/capability | grep -q 'path=software .*mtu=1500'"
before=$(generation)
front_key capability "version=1 generation=1 mtu=9000 tx-offloads=csum4"
front_key capability-ack "$before"
check_true "the acknowledgement is read" wait_for 5 "the acknowledgement" capability_is acked "$before"
check "mtu in the front end's record" "$(of "x['capability']['frontend']['mtu']" show "$A.0")" "== 9000"
ctl --json watch --count 1 >"$VIFD_SIM/changes" &
watch_pid=$!
sleep 0.5
xenstore-write "/local/domain/0/backend/vif/$A/0/rate" 125000,50000
check_true "a new rate makes a new generation" wait_for 5 "the next generation" sh -c \
	"xenstore-read /local/domain/0/backend/vif/$A/0/capability | grep -q 'generation=$((before + 1)) .*rate=20000'"
check "the new generation is not acknowledged yet" "$(capability current)" "== 0"
wait $watch_pid || true
check_true "watch reports the change" grep -q '"what":"\(rate_bytes\|generation\)"' "$VIFD_SIM/changes"
front_key capability-ack "$((before + 7))"
check_true "an acknowledgement of a future generation is held against the guest" wait_for 5 "held" capability_is held 1
front_key capability-ack "$(generation)"
check_true "a correct acknowledgement ends that" wait_for 5 "current" capability_is current 1

# a guest that writes without pause costs others nothing
offers=$(capability offers)
sent=0
end_flood=$((SECONDS + 3))
while [ $SECONDS -lt $end_flood ]; do
	front_key capability "version=1 generation=$((sent + 2)) mtu=$((1000 + sent % 7000))"
	sent=$((sent + 1))
done &
flood=$!
check "pings lost while a front end floods" "$(ping_lost b a 100)" "== 0"
wait $flood
check "records written because of the flood" "$(capability offers)" "== $offers"

guest_stop a || true
guest_stop b || true
check_true "the record is removed" wait_for 5 "removal" sh -c "! xenstore-read /local/domain/0/backend/vif/$A/0/capability"
guest_destroy a
guest_destroy b
check_true "vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
