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
