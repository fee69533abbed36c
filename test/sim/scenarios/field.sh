# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# what users of such systems report: virtual addresses, names, front ends with a past
#
#     guest a -- vifd --+-- vf0 (its own device) ------- pf0 in "host"
#     guest b --        +-- the switch -- up0 --------- eth0 in "host"

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
VMAC=00:00:5e:00:01:19
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
front() { echo "/local/domain/$(domid "$1")/device/vif/0"; }
back_is() { [ "$(xenstore-read "$(back "$1")/$2" 2>/dev/null)" = "$3" ]; }
back_has() { xenstore-exists "$(back "$1")/$2"; }
# Nodes of the store but those of the guest that has just connected
nodes() { xenstore-ls -f / | grep -cvE "(domain|vif|vm|libxl)/$(domid d)(/| )"; }

# raw FROM NETDEV HEX: sends a frame
raw() {
	in_ns "$1" python3 - "$2" "$3" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind((sys.argv[1], 0))
		s.send(bytes.fromhex(sys.argv[2]).ljust(60, b"\0"))
	END
}
vmac=${VMAC//:/}
# vrrp FROM NETDEV ID: an advertisement from the virtual address; uni FROM ID: a frame to it
vrrp() { raw "$1" "$2" "01005e000012${vmac}080045000028000${3}0000ff700000c0a80001e0000012"; }
uni() { raw "$1" eth0 "${vmac}$(in_ns "$1" cat /sys/class/net/eth0/address | tr -d :)88b5$2"; }
# capture NS NETDEV FILTER...; captured: ends all; seen NS NETDEV [FILTER...]: frames that arrived there
capture() {
	rm -f "$VIFD_SIM/tcpdump-$1-$2"
	# Not with in_ns, so that $! is tcpdump itself and not a shell around it
	ip netns exec "$(ns "$1")" tcpdump --immediate-mode -n -Q in -i "$2" -w "$VIFD_SIM/$1-$2.pcap" -U "${@:3}" 2>"$VIFD_SIM/tcpdump-$1-$2" &
	captures+=($!)
	wait_for 10 "tcpdump" grep -q listening "$VIFD_SIM/tcpdump-$1-$2"
}
captured() {
	sleep 0.5
	kill "${captures[@]}" 2>/dev/null
	wait "${captures[@]}" 2>/dev/null || true
	captures=()
}
# Lines of a frame's bytes are indented
seen() {
	tcpdump -ne -r "$VIFD_SIM/$1-$2.pcap" "${@:3}" 2>/dev/null | tee -a "$SIM_LOGS/seen" | grep -c '^[0-9]' || true
	echo >>"$SIM_LOGS/seen"
}
captures=()

# virtual NETDEV: a is the backup; the master is beyond NETDEV, then a, then b
virtual() {
	local wire=$1 what=$2
	capture a eth0 ether src "$VMAC" or ether dst "$VMAC"
	vrrp host "$wire" 1
	captured
	check "$what: advertisements from the wire" "$(seen a eth0 ether src $VMAC)" "== 1" frames
	capture a eth0 ether dst "$VMAC"
	capture host eth0 ether dst "$VMAC"
	sleep 0.3
	uni b 0001
	captured
	check "$what: the wire's frames at the wire" "$(seen host eth0)" "== 1" frames
	check "$what: the wire's frames at the backup" "$(seen a eth0)" "== 0" frames
	vrrp a eth0 2
	sleep 1
	capture "$3" "$4" ether dst "$VMAC"
	uni b 0002
	captured
	check "$what: frames at the new master" "$(seen "$3" "$4")" "== 1" frames
}

ip link add "vf$SIM_ID" type veth peer name "pf$SIM_ID"
ip link set "vf$SIM_ID" netns "$(ns dom0)" name vf0
ip link set "pf$SIM_ID" netns "$(ns host)" name pf0
in_ns dom0 ip link set vf0 up
in_ns host ip link set pf0 up
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0'
guest_create a
guest_create b
guest_create c
xenstore-write "$(back a)/policy/macs" $VMAC "$(back b)/policy/vf" never "$(back c)/policy/vf" never
guest_start a || die "guest a did not connect"
guest_start b || die "guest b did not connect"
guest_start c || die "guest c did not connect"
wait_for 10 "a device of its own" back_is a path vf || die "a has no device of its own"
sleep 1
# the veth in place of a VF has no filter: the wire's end of a's own device is pf0
capture a eth0 ether src "$VMAC"
vrrp host pf0 1
captured
check "VRRP on a VF: advertisements from the wire" "$(seen a eth0)" "== 1" frames
vrrp a eth0 2
capture a eth0 ether src "$VMAC"
vrrp host pf0 2
captured
check "VRRP on a VF: own advertisements that come back" "$(seen a eth0)" "== 0" frames
timeout 20 "$VIFCTL" move a software >>"$SIM_LOGS/vifctl.log" 2>&1 || die "a does not move"
sleep 1
virtual eth0 "VRRP in software" a eth0
xenstore-write "$(back c)/policy/macs" $VMAC
sleep 0.5
capture a eth0 ether dst "$VMAC"
capture c eth0 ether dst "$VMAC"
vrrp c eth0 3
sleep 0.5
uni b 0003
captured
check "VRRP of two guests: frames at the last sender" "$(seen c eth0)" "== 1" frames
check "VRRP of two guests: frames at the other" "$(seen a eth0)" "== 0" frames

# a driver loaded again with one queue: keys of the life before
guest_stop c || die "guest c did not end"
xenstore-write "$(front c)/queue-0/tx-ring-ref" 9 "$(front c)/queue-0/rx-ring-ref" 9 "$(front c)/state" 1
check_true "one queue after several: connects" guest_start c
check "one queue after several: lost pings" "$(ping_lost c host 5)" "== 0" frames

# Windows PV: through Closing and Closed before the first connection, each answer awaited
guest_create w
xenstore-write "$(back w)/policy/vf" never
check_true "Windows: InitWait first" wait_for 5 InitWait back_is w state 2
xenstore-write "$(front w)/state" 5
check_true "Windows: Closing is answered" wait_for 2 Closing back_is w state 5
xenstore-write "$(front w)/state" 6
check_true "Windows: Closed is answered" wait_for 2 Closed back_is w state 6
check_true "Windows: the directory stays" back_has w frontend
xenstore-write "$(front w)/state" 1
check_true "Windows: InitWait again" wait_for 2 InitWait back_is w state 2
check_true "Windows: connects" guest_start w
check "Windows: lost pings" "$(ping_lost w host 5)" "== 0" frames
guest_stop w || die "guest w did not end"
xenstore-write "$(front w)/state" 6
check_true "front end straight to Closed is answered" wait_for 2 Closed back_is w state 6
guest_destroy w

# a cloned guest
guest_create d "mac=$(xenstore-read "$(back b)/mac")"
xenstore-write "$(back d)/policy/vf" never
guest_start d 2>/dev/null &
start=$!
check_true "same mac: the second is told" wait_for 5 fault back_has d fault
check_true "same mac: the list marks it" sh -c "'$VIFCTL' list | grep -q '^$(domid d)\.0 .* held '"
check "same mac: lost pings of the first" "$(ping_lost b host 5)" "== 0" frames
guest_stop b || die "guest b did not end"
check_true "same mac: the second connects when the first is gone" wait_for 5 connected back_is d state 4
check_true "same mac: the fault is gone" wait_for 2 "no fault" eval '! back_has d fault'
wait $start || true

# hundreds of guests that came and went leave nothing in the store, and the next one is served
before=$(nodes)
check_true "200 guests came and went" sh -c "for i in \$(seq 200); do
	'$BIN/simctl' create n\$i >/dev/null && '$BIN/simctl' vif-add n\$i wait=no >/dev/null && '$BIN/simctl' destroy n\$i || exit 1
	done"
as_before() { [ "$(nodes)" = "$before" ]; }
wait_for 15 "the store as before" as_before || true
check "nodes left in the store" "$(($(nodes) - before))" "== 0"
guest_create e
xenstore-write "$(back e)/policy/vf" never
check_true "after 200 guests the next connects" guest_start e
# one of two interfaces is detached
simctl vif-add e >/dev/null
check_true "the second interface is detached" simctl vif-del e 1
check "detach of one of two: lost pings of the other" "$(ping_lost e host 5)" "== 0" frames

# TCP whose peer wants short segments, or which goes over a path with a small MTU: cut, not dropped
refused() { "$VIFCTL" --json show "$(domid e).0" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"].get("tx_drop_header", 0))'; }
timed "MSS 400: Mbit/s to the wire" "$(tcp_mbps e host 1 -M 400)" "> 100" Mbit/s
guest_run e ip route replace 10.77.0.0/24 dev eth0 advmss 40
in_ns host ip route replace 10.77.0.0/24 dev eth0 advmss 40
timed "MSS 40: Mbit/s to the wire" "$(tcp_mbps e host 1)" "> 5" Mbit/s
check "small MSS: frames refused" "$(refused)" "== 0" frames
check_true "vifd lives" vifd_lives
