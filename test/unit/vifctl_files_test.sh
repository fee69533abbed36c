#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifctl without a vifd: check, import, priv-flags.
set -eu

if [ "${1:-}" = --help ]; then sed -n '3s/^# //p' "$0"; exit 0; fi
cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/vifctl_check.sh
. test/unit/vifctl_check.sh
trap 'rm -rf "$tmp"' EXIT

says() { grep -qx -- "$1" "$tmp/out"; }
quiet() { [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ]; }
complains() { grep -qxF -- "$1" "$tmp/err"; }
file() { printf '%b' "$2" >"$tmp/$1"; }

# --- check
file vifd.conf '[nic a]\npf = eth0\n[policy]\nmtu = 9000\n'
file web.conf '[match]\nvifname = web0\n[policy]\nvlan-filter = 10,20-29\n'
check "right files" ends 0 check vifd.conf web.conf
check "nothing is said of them" quiet
check "right files --json" ends 0 check --json vifd.conf web.conf
check "an empty list" json "x == []"
file bad.conf '[daemon]\n  workers = 99\n[policy]\nmtu = 1\n\tvlan-filter = 10,4095\n[nic a]\n'
file worse.conf '[match]\nmac = x\n[policy]\nmtu = 1\nmtu = 2\nno-such = 1\nlink\n'
check "wrong files" ends 1 check vifd.conf bad.conf worse.conf missing.conf
check "a wrong option" complains "bad.conf:2:13: [daemon] workers = '99': expected a whole number 1..32"
check "a wrong rule for all" complains "bad.conf:4:7: [policy] mtu: '1': expected 68..9000"
check "another" complains "bad.conf:5:16: [policy] vlan-filter: '4095': expected VLANs 1..4094, as 10,20-29"
check "what a section lacks" complains "bad.conf:6:1: [nic a] pf, uplink: expected at least one of them (uplink = none: no uplink)"
check "a wrong match" complains "worse.conf:2:7: mac: expected a complete address or UUID"
check "a wrong rule" complains "worse.conf:4:7: mtu: '1': expected 68..9000"
check "a rule given twice" complains "worse.conf:5:1: mtu: is given twice"
check "no rule" complains "worse.conf:6:1: no-such: no such rule"
check "no line" complains "worse.conf:7:1: expected 'key = value' or '[section]'"
check "no file" complains "missing.conf: No such file or directory"
check "all of them and no more" [ "$(wc -l <"$tmp/err")" = 10 ]
check "as --json" ends 1 check --json worse.conf missing.conf
check "with places" json "len(x) == 6 and x[1] == {'file': 'worse.conf', 'line': 4, 'column': 7, 'error': \"mtu: '1': expected 68..9000\"} and x[5]['file'] == 'missing.conf' and x[5]['line'] == 0"
check "the sample wants a NIC" ends 1 check "$PWD/toolstack-hooks/vifd.conf"
check "no file named" ends 2 check

# --- import
file vf.json '{ "name": "tenant/web", "pciid": "0000:07:00.1", "vfid": 3, "vm_mac": "02:00:00:00:00:07",
	"strip_stag": true, "allow_untagged": false, "allow_bcast": true, "allow_mcast": false, "vlans": [ 10 ],
	"macs": [ "02:00:00:00:00:07", "02:00:00:00:00:08", "02:00:00:00:00:09" ], "mac_anti_spoof": 1,
	"vlan_anti_spoof": true, "strip_ctag": false, "rate": 0.1, "min_rate": 0.05, "link_status": "on",
	"start_cb": "", "queues": [], "mirror": { "direction": "off" } }'
check "import" ends 0 import --speed 10000 vf.json
cp "$tmp/out" "$tmp/made.conf"
for line in '# name: tenant/web' '# pciid: 0000:07:00.1' '# vfid: 3' '\[match\]' 'mac = 02:00:00:00:00:07' '\[policy\]' \
	'vlan-insert = 10' 'allow-untagged = 0' 'broadcast = 1' 'multicast = 0' 'unknown-unicast = 0' 'anti-spoof = 1' \
	'macs = 02:00:00:00:00:08 02:00:00:00:00:09' 'rate = 6250000,50000' 'guaranteed = 3125000,50000' 'link = on'; do
	check "import: $line" says "$line"
done
check "import: nothing else" [ "$(wc -l <"$tmp/made.conf")" = 17 ]
check "what it makes is right" ends 0 check made.conf
check "import --json" ends 0 import --json --match uuid=01234567-89ab-cdef-0123-456789abcdef -b 1000 vf.json
check "import --json: members" json "x['match'] == {'uuid': '01234567-89ab-cdef-0123-456789abcdef'} and x['policy']['rate'] == '625000,50000' and x['from']['vm_mac'] == '02:00:00:00:00:07'"
file callbacks.json '{ "vlans": [ 10 ], "vm_mac": "02:00:00:00:00:07", "start_cb": "echo $VIFD_VIF >started", "stop_cb": "echo >stopped" }'
check "import: callbacks" ends 0 import callbacks.json
mkdir "$tmp/vif.d"
cp "$tmp/out" "$tmp/vif.d/web.conf"
check "callbacks in the file are right" ends 0 check vif.d/web.conf
# hook EVENT MAC
hook() { (cd "$tmp" && VIFD_EVENT=$1 VIFD_VIF=7.0 VIFD_MAC=$2 VIFD_POLICY_DIR=vif.d sh "$OLDPWD/toolstack-hooks/examples/hook" "$1"); }
check "the hook passes by another vif" hook came 02:00:00:00:00:08
check "and what concerns no callback" hook connected 02:00:00:00:00:07
check "nothing ran" [ ! -e "$tmp/started" ]
check "a vif comes" hook came 02:00:00:00:00:07
check "start_cb ran" grep -qx 7.0 "$tmp/started"
check "and no more" [ ! -e "$tmp/stopped" ]
check "it goes" hook gone 02:00:00:00:00:07
check "stop_cb ran" [ -e "$tmp/stopped" ]
file trunk.json '{ "vlans": [ 10, 11, 4094 ], "allow_un_ucast": true, "mac": "02:00:00:00:00:07" }'
check "import of a trunk" ends 0 import trunk.json
check "its VLANs" says 'vlan-filter = 10,11,4094'
check "its unknown unicast" says 'unknown-unicast = 1'
check "its MAC" says 'mac = 02:00:00:00:00:07'
file name.json '{ "name": "a\\n[policy]\\nanti-spoof = 0", "vlans": [ 1 ] }'
check "a name is no lines" ends 0 import --match vifname=x name.json
check "but one" says '# name: a?\[policy\]?anti-spoof = 0'

# refused FIELD JSON WHY: is the field refused by its name, and nothing made?
refused() {
	file r.json "$2"
	check "$1 is refused" ends 1 import --match vifname=x r.json
	check "$1: by name" complains "r.json: $3"
	check "$1: nothing is made" [ ! -s "$tmp/out" ]
}
refused start_cb '{"vlans":[1],"start_cb":7}' 'start_cb: expected a command on one line'
refused stop_cb '{"vlans":[1],"stop_cb":"a\\nb"}' 'stop_cb: expected a command on one line'
refused queues '{"vlans":[1],"queues":[{"priority":1,"share":"0%"}]}' 'queues[0]: expected priority 0..7 and share 1% to 100%'
refused a-priority '{"vlans":[1],"queues":[{"priority":8,"share":"1%"}]}' 'queues[0]: expected priority 0..7 and share 1% to 100%'
refused a-share '{"vlans":[1],"queues":[{"priority":1,"share":"1x"}]}' 'queues[0]: expected priority 0..7 and share 1% to 100%'
refused a-priority-twice '{"vlans":[1],"queues":[{"priority":1,"share":5},{"priority":1,"share":5}]}' 'queues[1]: expected each priority once'
refused mirror '{"vlans":[1],"mirror":{"target":3}}' 'mirror: expected the direction in, out, all or off'
refused a-target '{"vlans":[1],"mirror":{"direction":"in","target":"x"}}' 'mirror: expected the number of a VF as target'
refused no-such-target '{"vlans":[1],"pciid":"0000:08:00.1","mirror":{"direction":"in","target":3}}' \
	'mirror: expected in . a VF file of the target, with the same pciid, vfid 3 and a vm_mac or mac'
file mirror.json '{"vlans":[1],"pciid":"0000:07:00.1","vfid":5,"vm_mac":"02:00:00:00:00:05","mirror":{"direction":"out","target":3}}'
check "import of a mirror" ends 0 import mirror.json
check "to whom" says 'mirror-to = 02:00:00:00:00:07'
check "of what" says 'mirror = tx'
file shares.json '{"vlans":[1],"queues":[{"priority":0,"share":"10%"},{"priority":5,"share":40}]}'
check "import of shares" ends 0 import --match vifname=x shares.json
check "shares of classes" says 'class-shares = 10,3,3,3,3,40,3,3'
check "classes" says 'classes = pcp'
check "their mean" says 'weight = 25'
file share.json '{"vlans":[1],"queues":[{"priority":0,"share":"30%"},{"priority":1,"share":"30%"}]}'
check "import of one share" ends 0 import --match vifname=x share.json
check "its weight" says 'weight = 30'
check "no classes" [ "$(grep -c class "$tmp/out")" = 0 ]
refused strip_ctag '{"vlans":[1],"strip_ctag":true}' 'strip_ctag: vifd does not strip inner tags'
refused strip_stag '{"vlans":[1,2],"strip_stag":true}' 'strip_stag: expected exactly one VLAN in vlans with it'
refused vlan_anti_spoof '{"vlans":[1],"vlan_anti_spoof":0}' 'vlan_anti_spoof: vifd always checks the VLANs of what a guest sends'
refused vlans '{}' 'vlans: VFd requires at least one'
refused no-vlans '{"vlans":[]}' 'vlans: expected an array of 1 to 64 VLANs'
refused a-vlan '{"vlans":["1"]}' 'vlans[0]: expected a number'
refused vlan-4095 '{"vlans":[4095]}' "vlans: '4095': expected VLANs 1..4094, as 10,20-29"
refused vlan-twice '{"vlans":[7,7]}' "vlans: '7,7': expected each VLAN once"
refused macs '{"vlans":[1],"macs":["ff:ff:ff:ff:ff:ff"]}' "macs: 'ff:ff:ff:ff:ff:ff': expected a unicast address aa:bb:cc:dd:ee:ff"
refused rate '{"vlans":[1],"rate":1.5}' "rate: expected a fraction of the link's speed, 0 to 1"
refused min_rate '{"vlans":[1],"min_rate":0.5}' "min_rate: it is a fraction of the link's speed: give that with --speed"
refused link_status '{"vlans":[1],"link_status":"up"}' "link_status: 'up': expected auto | on | off"
refused allow_bcast '{"vlans":[1],"allow_bcast":"yes"}' 'allow_bcast: expected true or false'
refused unknown '{"vlans":[1],"colour":1}' 'colour: not a field of a VFd file'
file syntax.json '{ "vlans": [ 1 ],\n  "macs" [ ] }'
check "no JSON" ends 1 import syntax.json
check "where" complains 'syntax.json:2:10: object property name separator '"':'"' expected'
file short.json '{ "vlans": [ 1 ]'
check "half a file" ends 1 import short.json
check "that it is half" complains 'short.json:1:17: the file ends too early'
file nobody.json '{ "vlans": [ 1 ] }'
check "a file that names nobody" ends 1 import nobody.json
check "a match that is none" ends 1 import --match mac=x nobody.json
check "a match with a comment in it" ends 1 import --match 'vifname=a #b' nobody.json

# --- priv-flags: paper's table and back
decodes() {
	# shellcheck disable=SC2086 # several numbers
	check "decode $1" ends 0 priv-flags $1
	check "decode $1: $2" says "$2"
}
decodes 0x83000018 '0x83000018: op=feature vf=3 set=broadcast,spoof-check'
decodes 2197815320 '0x83000018: op=feature vf=3 set=broadcast,spoof-check'
decodes 0x8920800a '0x8920800a: op=rx-mode vf=9 set=multicast-hash,broadcast'
decodes 0xff400000 '0xff400000: op=stats vf=127'
decodes 0x8180a00a '0x8180a00a: op=vlan-insert vf=1 vlan=10 priority=5'
decodes 0x81a00064 '0x81a00064: op=rate vf=1 mbps=100'
decodes 0x81a00064 ' *rate=625000,50000'
for wrong in 0x03000018 0x83010000 0x83002000 0x83e00000 0x83040000 0x83740001 0x83600000 0x83600fff 0x100000000 x; do
	check "$wrong is no command" ends 1 priv-flags $wrong
done
check "a mask of VFs" ends 0 priv-flags op=vlan-filter vlan=100 vfs=0,3,40 do=add
check "in five steps" [ "$(tr '\n' ' ' <"$tmp/out")" = "0x80640009 0x80680000 0x806c0100 0x80700000 0x80608064 " ]
# shellcheck disable=SC2046 # one number a word
check "and back" ends 0 priv-flags $(cat "$tmp/out")
check "as it was" says '0x80608064: op=vlan-filter vf=0 vlan=100 do=add vfs=0,3,40'
check "for ethtool" ends 0 priv-flags --json op=feature vf=1 set=trusted
check "all 32 names" json "len(x[0]['ethtool'].split()) == 64 and x[0]['flags'] == '0x81008000' and 'b16 off b15 on' in x[0]['ethtool'] and 'op0 off' in x[0]['ethtool'] and 'v0 on' in x[0]['ethtool'] and x[0]['ethtool'].startswith('enable-vfd on')"
check "decode --json" ends 0 priv-flags --json 0x83000018
check "with vifd's rules, of flags that are set and of those that are not" json "x[0]['policy'] == {'broadcast': '1', 'anti-spoof': '1', 'unknown-unicast': '0', 'multicast': '0', 'link': 'off', 'rx': '0', 'tx': '0', 'guest-mac': '0', 'guest-promiscuous': '0'} and x[0]['set'] == ['broadcast', 'spoof-check'] and x[0]['unmet'] == {}"
check "a second flag for the same rule" ends 0 priv-flags --json 0x81000010 0x81000080 0x81000090
check "is enough" json "[c['policy']['anti-spoof'] for c in x] == ['1', '1', '1']"
check "all features" ends 0 priv-flags --json 0x81009fff
check "each is a rule or has a reason" json "len(x[0]['set']) == 14 and sorted(x[0]['unmet']) == ['ping', 'reset-stats', 'split-drop', 'vlan-anti-spoof', 'vlan-strip'] and all(x[0]['unmet'].values()) and set(x[0]['policy'].values()) == {'1', 'on'}"
check "modes" ends 0 priv-flags --json 0x8120001f
check "that are reset" json "x[0]['policy'] == {'allow-untagged': '0', 'broadcast': '0', 'multicast': '0'} and x[0]['unmet'] == {}"
decodes "0x81c40009 0x81c00064" ' *queue-rate=0:625000,50000 3:625000,50000'
decodes "0x81c40009 0x81c00000" ' *queue-rate=$'
for words in op=rate 'op=rate vf=128 mbps=1' 'op=rate vf=1 mbps=65536' 'op=none vf=1' 'op=feature vf=1 set=x' 'op=feature vf=1' \
	'op=rx-mode vf=1 set=broadcast reset=multicast' 'op=vlan-insert vf=1 vlan=4095' 'op=vlan-filter vlan=0 vfs=1 do=add' \
	'op=vlan-filter vlan=1 vfs=64 do=add' 'op=vlan-filter vlan=1 vfs=1' 'op=stats vf=1 colour=1' 'vf=1 mbps=1'; do
	# shellcheck disable=SC2086 # several words
	check "'$words' is no command" ends 1 priv-flags $words
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
