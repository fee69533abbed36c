# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# what xl's user reads when names are wrong, vifd does not run, or an interface is made again
#
#     guests -- vifd -- up0 ------ eth0 in "host"

export RUNTIME_DIRECTORY=$VIFD_SIM/run VIFD_ABSENT_GRACE_S=1
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
back_is() { [ "$(xenstore-read "$(back "$1")/$2" 2>/dev/null)" = "$3" ]; }
hotplug_error() { xenstore-read "$(back "$1")/hotplug-error" 2>/dev/null || true; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# fails NAME WORDS KEY=VALUE...: an interface that xl cannot create; within seconds its user reads WORDS
fails() {
	local name=$1 words=$2 why since status=0
	shift 2
	guest_dom[$name]=$(simctl create "$name")
	since=$(now_ms)
	simctl vif-add "$name" "$@" >/dev/null 2>&1 || status=$?
	check "$name: status of vif-add" $status "!= 0"
	check "$name: vif-add fails after" $(($(now_ms) - since)) "< 6000" ms
	why=$(hotplug_error "$name")
	say "$name: $why"
	check_true "$name: the reason" test "${why#"$words"}" != "$why"
	since=$(now_ms)
	simctl vif-del "$name" 0 >/dev/null 2>&1 || say "$name: vif-del failed"
	check "$name: removed after" $(($(now_ms) - since)) "< 6000" ms
	simctl destroy "$name"
}

vifd_start
guest_create a
guest_start a
fails typo "bridge=lna: no [nic] of vifd.conf has this name, pf or uplink; there are: sim" bridge=lna
check "typo: lines in the log" "$(grep -c 'bridge=lna' "$SIM_LOGS/vifd.log")" "== 1"
fails group "mac: expected a unicast address" mac=01:00:5e:00:00:12

"$SIM_TOP/$BUILD/vifctl" set "$(domid a).0" mirror-to=00:16:3e:00:99:99
check_true "mirror to nobody: the log says so" wait_for 3 "the line" \
	grep -q "no interface here has the address 00:16:3E:00:99:99" "$SIM_LOGS/vifd.log"
"$SIM_TOP/$BUILD/vifctl" set "$(domid a).0" mirror-to
printf '%s\n' '[daemon]' 'policy_dir = /etc/vifd/vif.dd' '[nic a]' 'pf = eht0' '[nic b]' 'uplink = pu0' \
	'devices = 0000:99:00.0 fv0' '[nic c]' 'uplink = up0' >"$VIFD_SIM/names.conf"
in_ns dom0 env LD_LIBRARY_PATH="$BIN/lib" "$VIFD" -t -c "$VIFD_SIM/names.conf" 2>"$SIM_LOGS/names.log"
check "vifd -t tells names that nothing has" "$(grep -c 'this host has no such' "$SIM_LOGS/names.log")" "== 5" lines

# two vifds would write into the same rings
check_true "a second vifd refuses to start" eval '! in_ns dom0 env LD_LIBRARY_PATH="$BIN/lib" timeout 20 "$VIFD" \
	-c "$VIFD_SIM/vifd.conf" 2>"$SIM_LOGS/second.log"'
check_true "a second vifd says why" grep -q "another vifd runs" "$SIM_LOGS/second.log"
check "a second vifd: lost pings" "$(ping_lost a host 5)" "== 0" frames

# the same domain and handle with another address, before vifd has looked
mac=00:16:3e:00:77:77
guest_stop a || die "guest a did not end"
kill -STOP "$vifd_pid"
(sleep 1; kill -CONT "$vifd_pid") &
xenstore-rm "$(back a)"
xenstore-rm "/local/domain/$(domid a)/device/vif/0"
simctl vif-add a devid=0 mac=$mac >/dev/null
check_true "made again: connects" guest_start a
check "made again: lost pings" "$(ping_lost a host 5)" "== 0" frames
check_true "made again: it has its own address" eval '"$SIM_TOP/$BUILD/vifctl" list | grep -q "$mac"'

# vifd does not run
"$SIM_TOP/toolstack-hooks/vifd-absent" "$VIFD_SIM/vifd.conf" 2>"$SIM_LOGS/absent.log" &
absent=$!
sleep 2
check_true "vifd-absent leaves a running vifd's alone" guest_create b
guest_start b
vifd_stop
fails stopped "vifd is not running: run 'systemctl start vifd'"
check_true "connected guests keep their state" back_is a state 4
since=$(now_ms)
simctl vif-del b 0 >/dev/null 2>&1 || true
check "an interface is removed while vifd does not run, after" $(($(now_ms) - since)) "< 6000" ms
vifd_start
check "vifd is back: lost pings" "$(ping_lost a host 5)" "== 0" frames
check_true "vifd is back: interfaces are created" guest_create c
check_true "vifd is back: they connect" guest_start c
check "vifd is back: lost pings of the new one" "$(ping_lost c host 5)" "== 0" frames
kill "$absent" 2>/dev/null || true

# vifd does not start: its user reads which key is wrong and what would do
vifd_stop
sed 's/^workers = .*/&\nmemory_mb = 16/' "$VIFD_SIM/vifd.conf" >"$VIFD_SIM/small.conf"
status=0
in_ns dom0 env LD_LIBRARY_PATH="$BIN/lib" timeout 30 "$VIFD" -c "$VIFD_SIM/small.conf" 2>"$SIM_LOGS/small.log" || status=$?
check "memory_mb too small: status" $status "== 1"
enough=$(sed -n 's/.*memory_mb = 16 is too small .*; set \([0-9]*\) or more$/\1/p' "$SIM_LOGS/small.log")
check "memory_mb too small: what would do" "$enough" "== $((12 * (SIM_WORKERS + 1) + 4))" MiB
sed -i "s/^workers = .*/&\\nmemory_mb = ${enough:-16}/" "$VIFD_SIM/vifd.conf"
vifd_start
check "memory_mb as vifd said: lost pings" "$(ping_lost a host 5)" "== 0" frames
