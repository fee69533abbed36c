# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What other programs see of a running vifd: events, and a hook that approves what guests request

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
front() { echo "/local/domain/$(domid "$1")/device/vif/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; sleep 0.3; }
requests=0
# asks WORD...: over the guest's own connection, with its permissions
asks() {
	requests=$((requests + 1))
	XENSTORED_PATH=$VIFD_SIM/xs/$(domid a).sock xenstore-write "$(front a)/capability" "version=1 generation=$requests $*"
}
answered() { xenstore-read "$(back a)/capability" | grep -q -- "$1"; }
# told EVENT [TEXT]: how many events there were that have TEXT
told() { grep "\"event\":\"$1\"" "$SIM_LOGS/events" | grep -c -- "${2:-.}" || true; }
was_told() { [ "$(told "$@")" -ge 1 ]; }
happens() { check_true "event: $1 $2" wait_for 10 "event $1 $2" was_told "$1" "$2"; }
ends_with() { local want=$1 status=0; shift; "$@" || status=$?; [ $status = "$want" ]; }

# The hook notes what it was told, and approves of what the file says
cat >"$SIM_LOGS/hook" <<'END'
#!/bin/sh
echo "$1 $VIFD_VIF $(cat)" >>"$HOOK_NOTES"
[ "$VIFD_EVENT" != request ] || [ -z "${VIFD_ASK:-}" ] || exit "$(cat "$HOOK_ANSWER")"
END
chmod +x "$SIM_LOGS/hook"
export HOOK_NOTES=$SIM_LOGS/notes HOOK_ANSWER=$SIM_LOGS/answer
: >"$HOOK_NOTES"
echo 0 >"$HOOK_ANSWER"

mkdir -p "$VIFD_SIM/policy"
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" "policy_dir = $VIFD_SIM/policy" \
	'approval_s = 2' '[nic sim]' 'uplink = up0'
"$VIFCTL" events >"$SIM_LOGS/events" 2>>"$SIM_LOGS/vifctl.log" &
events=$!
"$VIFCTL" events --hook "$SIM_LOGS/hook" 2>>"$SIM_LOGS/vifctl.log" &
hook=$!
sleep 1 # until both read
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
A=$(domid a)

# --- events ---------------------------------------------------------------------------------------
happens came "\"vif\":\"$A.0\",\"guest\":\"a\""
happens connected "\"vif\":\"$A.0\""
happens moved "\"vif\":\"$A.0\".*\"path\":\"software\""
check "other events of a guest that does nothing" "$(grep -c "\"vif\":\"$A.0\"" "$SIM_LOGS/events")" "== 3"
own_mac=$(guest_run a cat /sys/class/net/eth0/address)
guest_run a ip link set eth0 address 02:00:00:00:00:99
ping_lost a b 3 >/dev/null
happens spoofing "\"vif\":\"$A.0\".*\"frames\":[1-9]"
check "dropped frames in the list, besides those that were counted as dropped" "$(($(ctl list | awk -v vif="$A.0" '$1 == vif { print $NF }') - $(ctl --json show "$A.0" |
	python3 -c 'import json, sys; print(sum(n for name, n in json.load(sys.stdin)["counters"].items() if name[1:].startswith("x_drop_") and not name.endswith("_bytes")))')))" "== 0"
check_true "events are JSON" python3 -c 'import json, sys; [json.loads(line)["seq"] for line in open(sys.argv[1])]' "$SIM_LOGS/events"
check_true "the hook runs for each event" wait_for 10 "the hook" grep -q "^spoofing $A.0 {.event.:.spoofing" "$HOOK_NOTES"

# --- approval of requests --------------------------------------------------------------------------
asks mac=02:00:00:00:00:99
happens request '"asked_mac":"02:00:00:00:00:99".*"mac_granted":0'
check "what the rules refuse is nobody's question" "$(told request '"ask":')" "== 0"
rule a guest-mac 1
happens request '"ask":1,"seconds":2'
check_true "what the hook approves is granted" wait_for 10 "a grant" answered "mac=02:00:00:00:00:99"
check "pings lost with the granted address" "$(ping_lost a b 3)" "== 0"
echo 1 >"$HOOK_ANSWER"
asks mac=02:00:00:00:00:98
happens request '"ask":2,'
happens request '"asked_mac":"02:00:00:00:00:98".*"mac_granted":0'
check_true "what it does not approve is not granted" wait_for 10 "a refusal" answered "mac=$own_mac"
kill $hook
asks mac=02:00:00:00:00:97
happens request '"ask":3,'
check_true "without an answer it is not granted" wait_for 10 "the time limit" was_told request '"asked_mac":"02:00:00:00:00:97".*"mac_granted":0'
check_true "the log says so" grep -q "vif $A.0: nobody approved its request in 2 s" "$SIM_LOGS/vifd.log"
check_true "an answer that is too late is refused" ends_with 1 ctl answer "$A.0" 3 grant
asks mac=02:00:00:00:00:96
happens request '"ask":4,'
check_true "an administrator answers" ends_with 0 ctl answer "$A.0" 4 grant
check_true "that is granted" wait_for 10 "a grant" answered "mac=02:00:00:00:00:96"
xenstore-rm "$(back a)/policy/guest-mac"
guest_run a ip link set eth0 address "$own_mac"

# --- top, report, resets, VFd's commands ------------------------------------------------------------
ping_lost a b 100 >/dev/null &
pinging=$!
ctl top --once --interval 0.4 >"$SIM_LOGS/top"
check "top: the line of a vif with traffic" "$(grep -cE "^$A\.0 a +sw +[01]( +[0-9.]+){4} +[0-9]+ +[0-9]+ +[^ ]+\$" "$SIM_LOGS/top")" "== 1"
check "top: widest line" "$(python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")))' "$SIM_LOGS/top")" "<= 80"
check_true "top: no colours where there is no terminal" sh -c "! grep -q '$(printf '\033')' '$SIM_LOGS/top'"
{ sleep 0.7; printf q; } | timeout 20 script -qec "TERM=xterm '$VIFCTL' top -i 0.2" /dev/null >"$SIM_LOGS/top.tty" || true
check_true "top: on a terminal it is drawn again and again until q" [ "$(grep -c 'drops/s' "$SIM_LOGS/top.tty")" -ge 2 ]
check_true "top: with colours there" grep -q "$(printf '\033\[7m')" "$SIM_LOGS/top.tty"
check "top: vifs by worker" "$(ctl --json top -1 -i 0.1 --by worker | python3 -c 'import json, sys; print(sum(x["vifs"] for x in json.load(sys.stdin)))')" "== 2"
check "top: by name" "$(ctl --json top -1 -i 0.1 --sort name | python3 -c 'import json, sys; print(json.load(sys.stdin)[1]["name"])')" "== $(domid b).0 b"
check_true "top: another order is refused" ends_with 2 ctl top --sort colour
wait $pinging
ping_lost a b 150 >/dev/null &
pinging=$!
ctl report --interval 0.1 --count 10 >"$SIM_LOGS/report.html"
check "report: what a page of XML has" "$(python3 - "$SIM_LOGS/report.html" <<'END'
import sys, xml.etree.ElementTree as tree
page = tree.parse(sys.argv[1]).getroot()
svg = "{http://www.w3.org/2000/svg}"
lines = [line.get("points").split() for line in page.iter(svg + "polyline")]
rising = sum(len({point.split(",")[1] for point in line}) > 1 for line in lines)
print(len(list(page.iter(svg + "svg"))) >= 3, len(lines), min(map(len, lines)), rising >= 2, len(list(page.iter(svg + "rect"))) >= 2)
END
)" "== True 4 10 True True"
wait $pinging
check_true "its counters are reset" ends_with 0 ctl reset stats "$A.0"
check_true "they begin at 0" [ "$(ctl --json show "$A.0" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"]["tx_packets"])')" -lt 50 ]
check_true "a vif without a VF has none to reset" ends_with 1 ctl reset vf "$A.0"
check_true "there is no such VF" ends_with 1 ctl vf 0000:99:00.0
# VFd's commands, as far as they need no VF: the xen bed counts all of them
# vfd STATE WORD...: is this the answer's state?
vfd() { ctl vfd "${@:2}" >"$SIM_LOGS/vfd" || true; python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["state"] != sys.argv[2])' "$SIM_LOGS/vfd" "$1"; }
multicast_is() { [ "$(ctl --json show --why "$A.0" | python3 -c 'import json, sys; print(next(r["value"] for r in json.load(sys.stdin) if r["rule"] == "multicast"))')" = "$1" ]; }
echo "{ \"vm_mac\": \"$own_mac\", \"vlans\": [ 7 ], \"allow_untagged\": true, \"allow_mcast\": false }" >"$VIFD_SIM/tenant.json"
check_true "vfd ping" vfd OK ping
check_true "vfd add" vfd OK add "$VIFD_SIM/tenant.json"
check_true "its rules are in force" wait_for 10 "the rules" multicast_is 0
check_true "twice is refused" vfd ERROR add "$VIFD_SIM/tenant.json"
check_true "vfd delete" vfd OK delete "$VIFD_SIM/tenant.json"
check_true "its rules are gone" wait_for 10 "the rules' end" multicast_is 1
check_true "twice is refused, too" vfd ERROR delete "$VIFD_SIM/tenant.json"
check_true "vfd show" vfd OK show all
check_true "it has the NIC" grep -q 'pf   0 sim ' "$SIM_LOGS/vfd"
check_true "vfd dump" vfd OK dump
check_true "a mirror of no VF is refused" vfd ERROR mirror 0 1 all 2
check_true "a reset of no VF is refused" vfd ERROR reset 0 1
check_true "so is what VFd does not have" vfd ERROR frobnicate

# --- vifs as files -------------------------------------------------------------------------------------
FS=$VIFD_SIM/fs
# value FILE [GUEST]; writes VALUE FILE: succeeds if it is written and read again; refuses ERROR VALUE FILE
value() { cat "$FS/vif/$(domid "${2:-a}").0/$1"; }
put() { printf '%s\n' "$1" >"$FS/vif/$A.0/$2"; }
writes() { put "$1" "$2" && [ "$(value "$2")" = "${3-$1}" ]; }
refuses() { local said; ! said=$(put "$2" "$3" 2>&1) && grep -q "$1" <<<"$said"; }
rule_is() { ctl --json show --why "$A.0" | python3 -c 'import json, sys; sys.exit(sys.argv[2] != next(r["value"] for r in json.load(sys.stdin) if r["rule"] == sys.argv[1]))' "$1" "$2"; }
wrong=0 files=0 fs=
# holds COMMAND...: counts what does not
holds_in_fs() { "$@" || { wrong=$((wrong + 1)); say "wrong: $*"; }; }
if [ -e /dev/fuse ] && [ -x "$SIM_TOP/$BUILD/vifd-fs" ]; then
	"$SIM_TOP/$BUILD/vifd-fs" "$FS" 2>>"$SIM_LOGS/vifd-fs.log" &
	fs=$!
	check_true "vifs are files" wait_for 10 "the files" test -d "$FS/vif/$A.0"
	for name in vlan_mirror trunk allow_untagged ingress_mirror mac_anti_spoof vlan_anti_spoof loopback mac mac_list promisc \
		allow_bcast vlan_strip max_tx_rate stats/rx_packets; do
		! value $name >/dev/null || files=$((files + 1))
	done
	check sysfs_files $files "== 14"
	holds_in_fs [ "$(value mac)" = "$own_mac" ]
	holds_in_fs [ "$(value allow_untagged)" = 1 ]
	holds_in_fs writes 10,20-29 trunk
	holds_in_fs rule_is vlan-filter 10,20-29
	holds_in_fs [ "$(value allow_untagged)" = 0 ]
	holds_in_fs refuses 'Invalid argument' 1 vlan_strip # which of them?
	holds_in_fs [ "$(value error)" = "'10,20-29': trunk must have one VLAN, which is inserted" ]
	holds_in_fs writes 10 trunk
	holds_in_fs writes 1 vlan_strip
	holds_in_fs rule_is vlan-insert 10
	holds_in_fs writes 0 vlan_strip
	holds_in_fs writes '' trunk
	holds_in_fs writes 0 allow_untagged
	holds_in_fs writes 1 allow_untagged
	holds_in_fs writes 0 mac_anti_spoof
	holds_in_fs rule_is anti-spoof 0
	holds_in_fs writes on mac_anti_spoof 1
	holds_in_fs refuses 'not supported' 0 vlan_anti_spoof
	holds_in_fs writes 0 loopback
	holds_in_fs rule_is isolated 1
	holds_in_fs writes 1 loopback
	holds_in_fs refuses 'not supported' 02:00:00:00:00:01 mac
	holds_in_fs writes '02:00:00:00:00:51 02:00:00:00:00:52' mac_list
	holds_in_fs writes '' mac_list
	holds_in_fs writes 1 promisc
	holds_in_fs writes 0 promisc
	holds_in_fs writes 0 allow_bcast
	holds_in_fs writes 1 allow_bcast
	holds_in_fs writes 80 max_tx_rate
	holds_in_fs rule_is rate 10000,1000
	holds_in_fs refuses 'Invalid argument' fast max_tx_rate
	holds_in_fs writes 0 max_tx_rate
	holds_in_fs refuses 'Invalid argument' 7 vlan_mirror # of nobody yet
	holds_in_fs writes "$(domid b).0" ingress_mirror
	holds_in_fs [ "$(value egress_mirror)" = "" ]
	ping_lost a b 3 >/dev/null
	holds_in_fs [ "$(ctl --json show b | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"]["mirrored"] > 0)')" = True ]
	holds_in_fs writes 7 vlan_mirror
	holds_in_fs refuses 'Invalid argument' 99.0 ingress_mirror
	holds_in_fs writes '' ingress_mirror
	holds_in_fs refuses 'Permission denied' 1 stats/rx_packets
	holds_in_fs [ "$(value stats/tx_packets)" -ge 3 ]
	holds_in_fs put 1 reset_stats
	holds_in_fs [ "$(value stats/tx_packets)" = 0 ]
	holds_in_fs [ "$(value error)" = "" ]
	holds_in_fs sh -c "! ls '$FS/vif/99.0' 2>/dev/null"
	holds_in_fs sh -c "ls '$FS' | grep -qx sim"
	check sysfs_wrong $wrong "== 0"
	check "pings lost with the rules as before" "$(ping_lost a b 3)" "== 0"
else
	say "skipped: vifs as files: there is no /dev/fuse here, or vifd-fs was built without libfuse3"
fi

# --- readers that come, go, or do not read ----------------------------------------------------------
python3 - "$VIFD_SIM/run/events" <<'END' &
import socket, sys, time
readers = [socket.socket(socket.AF_UNIX) for _ in range(12)]
for reader in readers:
    reader.connect(sys.argv[1])
time.sleep(30)
END
deaf=$!
sleep 0.5
guest_stop b
happens closed "\"vif\":\"$(domid b).0\""
check "pings lost while readers do not read" "$(ping_lost a host 3)" "== 0"
kill $deaf
guest_destroy b
happens gone ''
vifd_stop
check_true "its readers end with vifd" wait_for 5 "their end" sh -c "! kill -0 $events 2>/dev/null"
check_true "the socket is gone" test ! -e "$VIFD_SIM/run/events"
if [ -n "$fs" ]; then
	check_true "there are no files without vifd" sh -c "! cat '$FS/vif/$A.0/mac' 2>/dev/null"
	vifd_start
	check_true "the next vifd has files again" wait_for 10 "its files" value mac
	vifd_stop
	kill $fs
	check_true "the files end with their program" wait_for 5 "their end" sh -c "! mountpoint -q '$FS'"
fi
