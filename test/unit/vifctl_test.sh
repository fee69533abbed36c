#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifctl against a made-up vifd: what it prints, what it asks, how it ends.
set -eu

if [ "${1:-}" = --help ]; then sed -n '3s/^# //p' "$0"; exit 0; fi
cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/vifctl_check.sh
. test/unit/vifctl_check.sh
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$tmp"' EXIT

# A vifd with 3 vifs and 70 VFs: 7.0 moves to its VF at the third look, 9.0 finds none
cat >"$tmp/vifd.py" <<'PY'
import json, os, socket, sys, threading

looks = 0

def vif(name):
    global looks
    looks += 1
    on_vf = name == "7.0" and looks > 6
    return {"vif": name, "guest": 'we"b', "mac": "00:16:3e:00:00:01", "vifname": "web0",
            "flows_isolated": int(name == "7.0"), "uuid": "01234567-89ab-cdef-0123-456789abcdef", "state": "connected", "fault": "", "connected": 1,
            "path": "vf" if on_vf else "software", "vf": "0000:01:10.0" if on_vf else "", "link": 1,
            "worker": 0, "queues": 2, "rate_bytes": 125000, "rate_us": 50000, "mtu": 1500,
            "move": "opening" if name == "7.0" and not on_vf else "none",
            "move_error": "no VF is free" if name == "9.0" else "",
            "capability": {"generation": 2 if on_vf else 1, "acked": 0, "record": {"path": "vf"}},
            "per_1000_frames": {"copies": 1000, "copy_calls": 31, "notify": 12},
            "counters": {"tx_packets": looks * 1000, "tx_bytes": 64000 * looks, "rx_packets": 5,
                         "rx_bytes": 7, "tx_drop_spoof": 3, "rx_drop_stale": 4}}

def answer(command, name, params):
    start = int(params) if params.isdigit() else 0
    if command == "/vifd/vifs":
        return ["7.0", "8.0", "9.0"][start:start + 2]
    if command == "/vifd/vif":
        return vif(params) if params in ("7.0", "8.0", "9.0") else {"error": "no such vif"}
    if command == "/vifd/queue":
        return {"tx_packets": 500, "tx_drop_spoof": 1, "rx_packets": 0}
    if command == "/vifd/flows":
        name, _, start = params.partition(",")
        rule = {"priority": 0, "frames_of": "rx", "enforced": "software", "counts": 1, "frames": 12, "bytes": 720, "match": ["eth", "/ udp", "dst 53"],
                "actions": ["mark 7", "queue 2"]}
        return {str(i): {"id": 100 + i, **rule} for i in range(int(start), min(int(start) + 4, 6))} if name == "7.0" else {}
    if command == "/vifd/vfs":
        return {str(i): {"pci": "0000:01:%02x.0" % i, "nic": "x", "index": i, "netdev": "e",
                         "owner": "vif 7.0" if i == 1 else ""} for i in range(start, min(start + 64, 70))}
    if command == "/vifd/nics":
        return {"0": {"nic": "x", "link": 1, "speed_mbps": 10000, "vfs": 70, "vfs_taken": 1}}
    if command == "/vifd/memory":
        return {"vifd": {"holds": "frames of all vifs", "buffers": 24576, "free": 20000, "bytes_each": 4096}}
    if command == "/vifd/counters":
        return {"tx_packets": "frames taken", "rx_packets": "frames given", "tx_drop_spoof": "frames of others"}
    if command == "/vifd/policy":
        name, _, start = params.partition(",")
        if name != "7.0":
            return {"error": "policy/mtu: '1': expected 68..9000"}
        rules = [("anti-spoof", ["1"], "default", "both"), ("macs", ["02:00:00:00:00:01 ", "02:00:00:00:00:02"], "web.conf:7", "software"),
                 ("vlan-filter", ["10,20-29"], "policy/", "software")]
        return {str(i): dict(zip(("rule", "value", "source", "enforced"), rules[i])) for i in range(int(start), min(int(start) + 2, 3))}
    if command == "/vifd/set":
        return {"error": "policy/mtu: '1': expected 68..9000"} if params.endswith("mtu=1") else \
            {"set": "7.0", "mac": "00:16:3e:00:00:01", "policy_dir": os.path.join(sys.argv[1], "vif.d")}
    if command == "/vifd/move":
        return {"moving": params}
    if command == "/vifd/daemon":
        return {"version": "0", "policy_dir": os.path.join(sys.argv[1], "vfd.d")}
    return None

def serve(connection):
    connection.send(b'{"version":"DPDK 22.11.0","pid":1,"max_output_len":16384}')
    while text := connection.recv(1024).decode():
        print(text, file=asked, flush=True)
        command, _, params = text.partition(",")
        connection.send(json.dumps({command: answer(command, text, params)}).encode())

asked = open(os.path.join(sys.argv[1], "asked"), "w")
os.makedirs(os.path.join(sys.argv[1], "dpdk/vifd"))
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(os.path.join(sys.argv[1], "dpdk/vifd/dpdk_telemetry.v2"))
listener.listen()
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY

says() { grep -q -- "$1" "$tmp/out"; }
complains() { grep -q -- "$1" "$tmp/err"; }

# serves FD PID: the made-up vifd is there; a busy machine may take its time
serves() {
	server=$2
	if ! read -r -t 60 -u "$1" _; then
		echo "the made-up vifd did not start"
		exit 1
	fi
}

check "--help ends well" ends 0 --help
check "--help names every command" sh -c "for c in list show flows set vfs nics memory counters metrics top watch move check import priv-flags; do grep -q \"^  \$c\" '$tmp/out' || exit 1; done"
for command in list show flows set vfs nics memory counters metrics top watch move check import priv-flags; do
	check "$command --help" ends 0 "$command" --help
	check "$command --help says --json" says --json
	check "the manual page has $command" grep -qE "^\.(B|BI) \"?${command/-/\\\\-}\b" doc/man/vifctl.8
done
check "--version" ends 0 --version
check "no command" ends 2
check "unknown command" ends 2 frobnicate
check "unknown option" ends 2 --frobnicate list
check "too few words" ends 2 move 7.0
check "too many words" ends 2 list 7.0
check "option of another command" ends 2 list --interval 1
check "wrong number" ends 2 top --interval x
check "wrong count" ends 2 watch --count -1

export RUNTIME_DIRECTORY=$tmp/run
check "no vifd" ends 3 list
check "no vifd: the socket is named" complains "$tmp/run/dpdk/vifd/dpdk_telemetry.v2"
check "no vifd: the remedy is named" complains "systemctl start vifd"
check "no vifd at a named socket" ends 3 --socket "$tmp/nowhere" list
check "the named socket is named" complains "$tmp/nowhere"

mkdir "$tmp/run"
coproc SERVER { exec python3 "$tmp/vifd.py" "$tmp/run"; }
serves "${SERVER[0]}" "$SERVER_PID"

check "list" ends 0 list
check "list: all pages" sh -c "[ \$(wc -l <'$tmp/out') = 4 ]"
check "list: sums the drops" says '^8\.0 .* 5 *7$'
check "list: the rate in Mbit/s" says ' 20\.0 '
check "list --json" ends 0 list --json
check "list --json: whole vifs" json "[v['vif'] for v in x] == ['7.0', '8.0', '9.0'] and x[1]['mtu'] == 1500"
check "show" ends 0 show 8.0
check "show: queues side by side" says 'tx_packets  *[0-9]*  *500  *500$'
check "show: the record" says '^  path  *vf$'
check "show: what frames cost" says '^  copy_calls  *31$'
check "show --json" ends 0 show --json 8.0
check "show --json: queues" json "len(x['queue_counters']) == 2"
check "show of nobody" ends 1 show 1.0
check "its reason" complains "no such vif"
check "flows" ends 0 flows 7.0
check "flows: all pages" sh -c "[ \$(grep -c queue '$tmp/out') = 6 ]"
check "flows: a rule" says '^105  *0  *rx  *software  *12  *720  eth / udp dst 53: mark 7 queue 2$'
check "flows: the isolated mode" says '^frames for which no rule decides are dropped$'
check "flows --json" ends 0 flows --json 7.0
check "flows --json: a rule" json "len(x) == 6 and x[0]['match'] == 'eth / udp dst 53' and x[0]['frames'] == 12"
check "flows of one without" ends 0 flows 8.0
check "flows of one without: only the head" sh -c "[ \$(wc -l <'$tmp/out') = 1 ]"
check "flows of nobody" ends 1 flows 1.0
check "vfs" ends 0 --json vfs
check "vfs: all pages" json "len(x) == 70 and x[69]['index'] == 69"
check "vfs as text" ends 0 vfs
check "vfs: owner" says '^0000:01:01.0 .*vif 7\.0$'
check "nics" ends 0 nics --json
check "nics: one" json "x == [{'nic': 'x', 'link': 1, 'speed_mbps': 10000, 'vfs': 70, 'vfs_taken': 1}]"
check "memory as text" ends 0 memory
check "memory: a pool" says '^vifd  *24576  *20000  *4096  frames of all vifs'
check "counters" ends 0 counters
check "counters: text" says 'tx_packets  *frames taken'
cat >"$tmp/metrics.py" <<'PY'
# Checks Prometheus' text format: each family once, with HELP and TYPE before its samples, each sample once.
import re, sys
families, samples, now = {}, set(), None
for line in sys.stdin:
    line = line.rstrip("\n")
    head = re.fullmatch(r"# (HELP|TYPE) (vifd_[a-z_]+) (.+)", line)
    if head and head[1] == "HELP":
        assert head[2] not in families and head[3].endswith("."), line
        now = head[2]
        families[now] = None
    elif head:
        assert head[2] == now and head[3] == ("counter" if now.endswith("_total") else "gauge"), line
        families[now] = head[3]
    else:
        sample = re.fullmatch(r'(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)+)\} (\d+)', line)
        assert sample and sample[1] == now and families[now], line
        assert (sample[1], sample[2]) not in samples, line
        samples.add((sample[1], sample[2]))
print(len(families))
assert len(families) >= int(sys.argv[1])
PY
check "metrics" ends 0 metrics
check "metrics: the format" sh -c "python3 '$tmp/metrics.py' 22 <'$tmp/out'"
check "metrics: a counter with its guest" says '^vifd_vif_rx_packets_total{vif="8.0",guest="we."b",vifname="web0"} 5$'
check "metrics: its help" says '^# HELP vifd_vif_tx_packets_total Frames taken.$'
check "metrics: all causes are one family" says '^vifd_vif_tx_dropped_total{vif="7.0",.*,cause="spoof"} 3$'
check "metrics: the link in bytes" says '^vifd_nic_speed_bytes{nic="x"} 1250000000$'
check "metrics: memory" says '^vifd_memory_free_buffers{pool="vifd"} 20000$'
check "metrics --json" ends 0 metrics --json
check "metrics --json: all" json "len(x['vifs']) == 3 and x['nics'][0]['nic'] == 'x' and x['memory'][0]['free'] == 20000"
printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' >"$tmp/request"
check "metrics --http" sh -c "'$VIFCTL' metrics --http <'$tmp/request' >'$tmp/out'"
check "metrics --http: a head" sh -c "head -n 1 '$tmp/out' | grep -q '^HTTP/1.0 200 OK' && sed '1,/^\r$/d' '$tmp/out' | python3 '$tmp/metrics.py' 22"
check "move of one that has no VF to go to" ends 1 move 9.0 vf
check "the reason" complains "no VF is free"
check "move" ends 0 move 7.0 vf
check "it was asked for" grep -qx '/vifd/move,7.0,vf' "$tmp/run/asked"
check "move waited for its end" says 'is on the vf path'
check "move without waiting" ends 0 --json move 8.0 vf --wait 0
check "says that it didn't" json "x['done'] is False"
check "show --why" ends 0 show 7.0 --why
check "show --why: a value in pieces, from a file" says '^macs *02:00:00:00:00:01 02:00:00:00:00:02 *web.conf:7 *software$'
check "show --why: enforced twice" says '^anti-spoof *1 *default *software and hardware$'
check "show --why: all pages" says '^vlan-filter *10,20-29 *policy/ *software$'
check "show --why --json" ends 0 show 7.0 --why --json
check "show --why --json: members" json "len(x) == 3 and x[1] == {'rule': 'macs', 'value': '02:00:00:00:00:01 02:00:00:00:00:02', 'source': 'web.conf:7', 'enforced': 'software'}"
check "show --why of a policy that is refused" ends 1 show 8.0 --why
check "its reason" complains "policy/mtu: '1': expected 68..9000"
check "--why is show's" ends 2 list --why
check "set" ends 0 set 7.0 vlan-filter=10,20-29 macs= link
check "set: all in one" grep -qx '/vifd/set,7.0,vlan-filter=10,20-29;macs=;link' "$tmp/run/asked"
check "set: says so" says '^vif 7.0: 3 rules changed$'
check "set --json" ends 0 set --json 7.0 ip="10.0.0.1 10.0.0.2" link
check "set --json: members" json "x == {'vif': '7.0', 'set': {'ip': '10.0.0.1 10.0.0.2', 'link': None}}"
check "set: a line on stderr says that it does not last" complains "until its guest reboots.*--save"
saved=$tmp/run/vif.d/saved-00163e000001.conf
check "priv-flags --to" ends 0 priv-flags --to 7.0 0x8120800a 0x81a00064
check "priv-flags --to: a mode" grep -qx '/vifd/set,7.0,broadcast=1' "$tmp/run/asked"
check "priv-flags --to: a rate" grep -qx '/vifd/set,7.0,rate=625000,50000' "$tmp/run/asked"
check "priv-flags --to: a VLAN to those there are" ends 0 priv-flags --to 7.0 0x80608064
check "priv-flags --to: all of them" grep -qx '/vifd/set,7.0,vlan-filter=10,20-29,100' "$tmp/run/asked"
check "priv-flags --to: a VLAN from among those" ends 0 priv-flags --to 7.0 0x80600015
check "priv-flags --to: the others stay" grep -qx '/vifd/set,7.0,vlan-filter=10,20,22-29' "$tmp/run/asked"
check "priv-flags --to: a vif that is not there" ends 1 priv-flags --to 9.0 0x80608064

check "set --save" ends 0 set --save 7.0 vlan-filter=10,20-29 mtu=1400
check "set --save: nothing to complain of" sh -c "! test -s '$tmp/err'"
check "set --save: the file" sh -c "printf '[match]\nmac = 00:16:3e:00:00:01\n[override]\nvlan-filter = 10,20-29\nmtu = 1400\n' | cmp - '$saved'"
check "set --save: the keys in policy/ are removed" grep -qx "/vifd/set,7.0,vlan-filter;mtu" "$tmp/run/asked"
sed -i '3a# the trunk' "$saved"
check "set --save again" ends 0 set --save 7.0 vlan-filter mtu=1300 rate=
check "set --save again: the other lines are as they were" sh -c "printf '[match]\nmac = 00:16:3e:00:00:01\n[override]\n# the trunk\nmtu = 1300\nrate = \n' | cmp - '$saved'"
check "set --save of a wrong value" ends 1 set --save 7.0 mtu=1
check "set --save of a wrong value changes nothing" grep -qx "mtu = 1300" "$saved"
check "set --save of what no file can hold" ends 1 set --save 7.0 "mirror-to=file:a#b"
check "set --save of what no file can hold: says so" complains "not saved"
check "set --save without a rule left" ends 0 set --save 7.0 mtu rate
check "set --save without a rule left removes the file" test ! -e "$saved"
rmdir "$tmp/run/vif.d" && : >"$tmp/run/vif.d"
check "set --save where no folder can be" ends 1 set --save 7.0 mtu=1400
check "set --save where no folder can be: says where" complains "$tmp/run/vif.d"
echo '{ "vm_mac": "00:16:3e:00:00:01", "vlans": [ 7 ], "allow_untagged": true }' >"$tmp/tenant.json"
check "vfd add of the first file of policy_dir" ends 0 vfd add "$tmp/tenant.json"
check "vfd add: the file" grep -qx "vlan-filter = 7" "$tmp/run/vfd.d/vfd-tenant.conf"
check "set of a wrong value" ends 1 set 7.0 mtu=1
check "its reason" complains "policy/mtu: '1': expected 68..9000"
check "set of nothing" ends 2 set 7.0
check "set of what would be two" ends 2 set 7.0 'mtu=1500;link=off'
check "set of more than goes at once" ends 2 set 7.0 macs="$(printf '02:00:00:00:00:%02x ' {1..64})"
check "its remedy" complains "xenstore-write"
file() { printf '[match]\n%s\n[policy]\nmtu = 1500\n[override]\nrate = 1000,1000\n' "$2" >"$tmp/$1"; }
file mac.conf 'mac = 00:16:3E:00:00:01'
file name.conf 'vifname = web0'
file uuid.conf 'uuid = 01234567-89ab-cdef-0123-456789abcdef'
check "check of files for interfaces that are here" ends 0 check mac.conf name.conf uuid.conf
check "nothing is said of them" test ! -s "$tmp/err"
file slip.conf 'vifname = wbe0'
check "check of a file that names nobody" ends 0 check mac.conf slip.conf
check "that is said" complains "^vifctl: slip.conf: \[match\] names no interface that is here now$"
check "and of no other" test "$(wc -l <"$tmp/err")" = 1
file both.conf 'mac = 00:16:3e:00:00:01
vifname = wbe0'
check "check of a file whose lines disagree" ends 0 check both.conf
check "that is said, too" complains "both.conf: \[match\] names no interface"
check "top" ends 0 top -n 2 -i 0.05 --json
check "top: rates" json_lines "len(x) == 2 and all(v['tx_pps'] > 0 for s in x for v in s)"
check "top: drops that stand still are no rate" json_lines "x[0][0]['drops_ps'] == 0"
check "top as text" ends 0 top -n 1 -i 0.05
check "top: no escapes into a pipe" sh -c "! grep -q '\\[H' '$tmp/out'"

kill "$server"
wait "$server" 2>/dev/null || true
rm -rf "$tmp/run"
mkdir "$tmp/run"
coproc SERVER { exec python3 "$tmp/vifd.py" "$tmp/run"; }
serves "${SERVER[0]}" "$SERVER_PID"
check "watch" ends 0 watch --json --count 3 --interval 0.05
check "watch: what changed" json_lines "[c['what'] for c in x] == ['path', 'vf', 'generation'] and x[0]['from'] == 'software' and x[0]['to'] == 'vf' and x[0]['vif'] == '7.0'"
questions() { wc -l <"$tmp/run/asked"; }
before=$(questions)
(until [ "$(questions)" -gt "$before" ]; do sleep 0.05; done; kill "$server") &
killer=$!
check "vifd ends while it is watched" ends 3 watch
kill "$killer" 2>/dev/null || true
check "that is said" complains "connection closed"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
