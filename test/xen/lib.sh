# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Functions for scenarios of the Xen bed, sourced in dom0. A scenario is a bash script that starts with
# `. /bed/lib.sh` and ends with `finish`.
#
#   bed_vf_bind DRIVER ADDRESS...      binds VFs to vfio-pci, uio_pci_generic, igbvf ...
#   bed_nic_setup [N]                  creates VFs of NIC N (0) in the order that igb needs; sets PF and VFS
#   bed_host_bridge; on_host_bridge NAME DEVICE N   a bridge of dom0, 10.0.3.1, and a guest's address there
#   bed_make_room MIB                  makes dom0 return memory, for VFs with DPDK's own drivers
#   guest_start NAME MAC [KEYS]        boots a guest, waits until it accepts commands;
#                                      consists of guest_create and guest_ready;
#                                      GUEST_TYPE, GUEST_KERNEL, GUEST_MEMORY, GUEST_VCPUS, GUEST_RAMDISK, GUEST_ARGS,
#                                      GUEST_CONFIG (more of xl.cfg)
#   guest_gets PROGRAM...              puts programs of /bed into each guest that boots from now on
#   guest_run NAME COMMAND             runs a command in the guest, with its output and status
#   guest_stop NAME                    shuts the guest down and waits until it is gone
#   guest_reboot NAME                  reboots the guest, waits until it accepts commands again
#   ping_lost NAME ADDRESS [COUNT]     counts requests lost or answered wrongly, checked by payload
#   tcp_mbps NAME out|in [SECONDS]     runs iperf3 with the server outside the NIC
#   vif_key NAME KEY [HANDLE]          a key of its interface at the back end: path, vf, state, fault, ...
#   vifd_start [LINE...]; vifd_stop
#   wait_for SECONDS WHAT COMMAND...   waits until COMMAND succeeds; prints WHAT on timeout
#   bed_vfs_remove PF_ADDRESS          sets sriov_numvfs to 0
#   bed_vfs_create                     creates the VFs of PF again, after they were removed; sets VFS
#   check NAME VALUE TARGET [UNIT]     one check; TARGET is "== 6", ">= 1.3" or "true"
#   figure NAME VALUE TARGET UNIT      TARGET "" = none; a miss is recorded but fails nothing
#   detail KEY JSON                    adds a value to the result file that is no check
#   finish                             writes the result file, prints the counts, ends the scenario

. /bed/bed.conf

: "${BED_KEYS:=script=vif-vifd}" "${BED_WORKERS:=1}" "${BED_NIC:=igb}" "${BED_APPARMOR:=no}"
[ "$BED_NIC" = igb ] && BED_HAS_PF_CONTROL=1 || BED_HAS_PF_CONTROL=0
OUTSIDE=10.0.2.2 # QEMU's user network: the machine's loopback
PEER=10.0.2.9    # a peer in wire.c: answers each ping with its payload
CONSOLES=/var/log/xen/console

declare -A guest_number=() guest_booted=() # size of its console log at that time
checks_json= details_json=
passed=0 failed=0
scenario_start=$SECONDS

say() { printf '%4d s  %s\n' $((SECONDS - scenario_start)) "$*"; }

# Ends the scenario after a failure that leaves nothing to test
die()
{
	say "FAILED: $*"
	check end_reached false true
	finish
}

# bed_pause SECONDS: sleeps without starting a program
mkfifo /run/bed.pause
exec {bed_pause_fd}<>/run/bed.pause
bed_pause() { read -r -t "$1" -u $bed_pause_fd || true; }

# wait_for SECONDS WHAT COMMAND...
wait_for()
{
	local limit=$((SECONDS + $1)) what=$2
	shift 2

	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $limit ]; then
			say "timeout: $what"
			return 1
		fi
		bed_pause 0.1
	done
	return 0
}

# --- results ---------------------------------------------------------------------------------------------------

# json_quote VARIABLE TEXT: sets VARIABLE, because a subshell is slow here
json_quote()
{
	local text=${2//\\/\\\\}
	text=${text//\"/\\\"}
	printf -v "$1" '"%s"' "${text//$'\n'/ }"
}

json_string()
{
	local quoted
	json_quote quoted "$1"
	printf '%s' "$quoted"
}

# json_of VARIABLE VALUE
json_of()
{
	case $2 in
	true|false) printf -v "$1" '%s' "$2" ;;
	''|*[!0-9.-]*) json_quote "$1" "$2" ;;
	*) printf -v "$1" '%s' "$2" ;;
	esac
}

json_value()
{
	local json
	json_of json "$1"
	printf '%s' "$json"
}

# holds VALUE TARGET
holds()
{
	local value=$1 op=${2%% *} want=${2#* }

	# most values are whole numbers, and starting awk is slow here
	if [[ $value =~ ^[0-9]+$ && $want =~ ^[0-9]+$ ]]; then
		let "10#$value $op 10#$want"
		return
	fi
	case $2 in
	'') return 0 ;;
	true|false) [ "$value" = "$2" ] ;;
	'== '*[!0-9.-]*) [ "$value" = "$want" ] ;;
	*) [[ $value =~ ^-?[0-9]+(\.[0-9]+)?$ ]] && awk -v v="$value" -v w="$want" "BEGIN { exit !(v + 0 $op w + 0) }" ;;
	esac
}

check()
{
	local name=$1 value=$2 target=${3-} unit=${4-} ok=true

	if holds "$value" "$target"; then
		passed=$((passed + 1))
		say "ok    $name: $value${unit:+ $unit}"
	else
		ok=false
		failed=$((failed + 1))
		say "MISS  $name: $value${unit:+ $unit}, wanted $target"
	fi
	add_check "$name" "$value" "$target" "$unit" $ok
}

# add_check NAME VALUE TARGET UNIT OK [figure]
add_check()
{
	local name_json value_json unit_json target_json

	json_quote name_json "$1"
	json_of value_json "$2"
	json_quote target_json "$3"
	json_quote unit_json "$4"
	checks_json="$checks_json${checks_json:+,
    }{\"name\": $name_json, \"value\": $value_json, \"unit\": $unit_json, \"target\": $target_json, \"ok\": $5${6:+, \"figure\": true}}"
}

# figure NAME VALUE TARGET UNIT: a speed, which depends on the load of the machine
figure()
{
	local ok=true

	holds "$2" "$3" || ok=false
	say "figure $1: $2${4:+ $4}${3:+, $([ $ok = true ] && echo met || echo missed) its target $3}"
	add_check "$1" "$2" "$3" "$4" $ok figure
}

# check_true NAME COMMAND...: passes if the command succeeds
check_true()
{
	local name=$1
	shift

	if "$@"; then
		check "$name" true true
	else
		check "$name" false true
	fi
}

detail()
{
	details_json="$details_json  $(json_string "$1"): $2,
"
}

bed_seconds() { echo $(($(date +%s) - BED_START)); }

xen_version()
{
	printf '%s.%s' "$(cat /sys/hypervisor/version/major)" "$(cat /sys/hypervisor/version/minor)"
}

finish()
{
	trap - EXIT
	[ "$BED_APPARMOR" = no ] || check apparmor_denials $(($(apparmor_denials) - ${denials_before:-0})) "== 0"
	cat >"/results/$BED_RESULT.json" <<-END
	{
	  "commit": $(json_string "$BED_COMMIT"),
	  "machine": $(json_string "$BED_MACHINE"),
	  "seconds": $(bed_seconds),
	  "xen": $(json_string "$([ "$BED_BARE" = yes ] && echo none || xen_version)"),
	  "linux": $(json_string "$(uname -r)"),
	  "debian": "$BED_RELEASE",
	${details_json%$'\n'}
	  "checks": [
	    $checks_json
	  ]
	}
	END
	[ ! -e /run/vifd.log ] || cp /run/vifd.log /results/vifd.log
	echo "$passed passed, $failed failed"
	exit $((failed > 0))
}

# --- the NIC ---------------------------------------------------------------------------------------------------

# virtio's is two levels below
netdev_of_pci() { ls "/sys/bus/pci/devices/$1/net" "/sys/bus/pci/devices/$1"/virtio*/net 2>/dev/null | grep '^[^/]' | head -n 1; }

has_netdev() { [ -n "$(netdev_of_pci "$1")" ]; }

pf_addresses()
{
	local dev

	for dev in /sys/bus/pci/devices/*; do
		[ -e "$dev/sriov_totalvfs" ] && basename "$dev"
	done
}

vf_addresses()
{
	local link

	for link in "/sys/bus/pci/devices/$1"/virtfn*; do
		[ -e "$link" ] && basename "$(readlink "$link")"
	done | sort
}

# bed_vf_bind DRIVER ADDRESS...: unbinds VFs from their drivers first; the netdev names in VFS are stale afterwards
bed_vf_bind()
{
	local driver=$1 pci device
	shift

	modprobe "$driver"
	for pci in "$@"; do
		device=/sys/bus/pci/devices/$pci
		echo "$driver" >"$device/driver_override"
		[ ! -e "$device/driver" ] || echo "$pci" >"$device/driver/unbind"
		echo "$pci" >/sys/bus/pci/drivers_probe
		[ "$(basename "$(readlink "$device/driver")")" = "$driver" ] || die "VF $pci is not bound to $driver"
	done
}

link_is_up() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }

# A VF probed while its PF still resets gets a random MAC and no link, so the VF driver is loaded last.
bed_nic_setup()
{
	local pci

	modprobe "$([ "$BED_NIC" = virtio ] && echo virtio_net || echo igb)"
	[ "$BED_NIC" != virtio ] || modprobe virtio_pci
	wait_for 20 "a PF" test -n "$(pf_addresses)" || die "no NIC with VFs was found"
	pci=$(pf_addresses | sed -n "$((${1:-0} + 1))p")
	wait_for 20 "netdev of $pci" netdev_of_pci "$pci" || die "NIC $pci has no netdev"
	PF=$(netdev_of_pci "$pci")
	PF_PCI=$pci
	PF_NUMBER=${1:-0}
	VFS=
	ip link set "$PF" up
	wait_for 30 "link of $PF" link_is_up "$PF" || die "$PF has no link"
	[ "$BED_VFS" = 0 ] || bed_vfs_create
}

# bed_vfs_remove PF_ADDRESS. igbvf resets a VF that has unsent frames and no link, even if it was set down meanwhile.
# It then waits until the VF is up, and removing the VF would wait for that for ever.
bed_vfs_remove()
{
	local pci

	for pci in $(vf_addresses "$1"); do
		ip link set "$(netdev_of_pci "$pci")" up 2>/dev/null
	done
	sleep 1
	echo 0 >"/sys/bus/pci/devices/$1/sriov_numvfs"
}

bed_vfs_create()
{
	local pci n

	modprobe -r igbvf 2>/dev/null
	echo "$BED_VFS" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs" || die "$PF does not create $BED_VFS VFs"
	wait_for 30 "link of $PF" link_is_up "$PF" || die "$PF has no link with its VFs"
	for ((n = 0; n < BED_VFS && BED_HAS_PF_CONTROL; n++)); do
		ip link set "$PF" vf $n mac "$(printf '52:54:00:00:%02x:%02x' "$PF_NUMBER" $((n + 1)))"
	done
	VFS=
	modprobe igbvf
	for pci in $(vf_addresses "$PF_PCI"); do
		wait_for 20 "netdev of VF $pci" has_netdev "$pci" || die "VF $pci has no netdev"
		VFS="$VFS $(netdev_of_pci "$pci")"
	done
	VFS=${VFS# }
}

# Sets up the PF as on an ordinary host: as a port of a bridge, for the kernel's xen-netback. While igb has VFs, its
# switch returns the PF's broadcasts to the PF, so the bridge must not learn the guests' addresses from them.
bed_bridge_setup()
{
	modprobe bridge
	modprobe xen-netback
	ip link add xenbr0 type bridge forward_delay 0 stp_state 0
	ip link set "$PF" master xenbr0
	ip link set "$PF" type bridge_slave learning off
	ip link set xenbr0 up
}

# A bridge of dom0 alone, 10.0.3.1, for guests of the kernel's xen-netback, which need no NIC
bed_host_bridge()
{
	modprobe bridge
	ip link add xenbr0 type bridge forward_delay 0 stp_state 0
	ip address add 10.0.3.1/24 dev xenbr0
	ip link set xenbr0 up
}

# on_host_bridge NAME DEVICE N: the guest's interface has the address 10.0.3.N
on_host_bridge() { guest_run "$1" "ip link set $2 up; ip address replace 10.0.3.$3/24 dev $2"; }

# bed_filter_add MAC: makes the NIC's switch deliver frames to MAC to the PF
bed_filter_add() { bridge fdb add "$1" dev "$PF" self; }

xen_has_more() { [ $(($(xl info free_memory) - $1)) -ge "$2" ]; }

# bed_make_room MIB: makes dom0 return that much and a little more to Xen, so that vifd can allocate it for VFs with
# DPDK's own drivers
bed_make_room()
{
	local target=/sys/devices/system/xen_memory/xen_memory0/target_kb free

	free=$(xl info free_memory)
	echo $(($(cat $target) - ($1 + 16) * 1024)) >$target
	wait_for 60 "$1 MiB of room below dom0's maximum" xen_has_more "$free" "$1"
}

# --- guests ----------------------------------------------------------------------------------------------------

guest_ip() { echo "10.0.2.$((10 + guest_number[$1]))"; }
guest_domid() { xl domid "$1" 2>/dev/null; }
guest_log() { echo "$CONSOLES/guest-$1.log"; }

guest_config()
{
	local name=$1 mac=$2 keys=$3

	cat >"/etc/xen/$name.cfg" <<-END
	name    = "$name"
	type    = "${GUEST_TYPE:-pv}"
	memory  = ${GUEST_MEMORY:-160}
	vcpus   = ${GUEST_VCPUS:-1}
	kernel  = "${GUEST_KERNEL:-/boot/vmlinux}"
	ramdisk = "${GUEST_RAMDISK:-/boot/guest.cpio.gz}"
	extra   = "console=hvc0 quiet bed.ip=$(guest_ip "$name")/24 ${GUEST_ARGS:-}"
	vif     = [ 'mac=$mac,$keys' ]
	${GUEST_CONFIG:-}
	END
}

# Linux unpacks concatenated archives one after the other.
guest_gets()
{
	local dir=/run/gets

	mkdir -p $dir/usr/bin
	(cd /bed && cp "$@" $dir/usr/bin/)
	(cd $dir && find usr | cpio -o -H newc 2>/dev/null | gzip -1 >>/boot/guest.cpio.gz)
	(cd /bed && cp "$@" /usr/bin/)
	rm -rf $dir
}

log_size() { stat -c %s "$1" 2>/dev/null || echo 0; }

# said_since LOG OFFSET PATTERN
said_since() { tail -c "+$(($2 + 1))" "$1" 2>/dev/null | grep -q "$3"; }

# guest_ready NAME: waits for the agent of a guest that was created or rebooted
guest_ready()
{
	wait_for "${GUEST_BOOT_LIMIT:-90}" "$1's prompt" said_since "$(guest_log "$1")" "${guest_booted[$1]}" '^@ready'
}

# guest_create NAME MAC [KEYS]: KEYS as in a vif line; the default is $BED_KEYS
guest_create()
{
	local name=$1 mac=$2 keys=${3:-$BED_KEYS}

	guest_number[$name]=$((16#${mac##*:}))
	guest_config "$name" "$mac" "$keys"
	guest_booted[$name]=$(log_size "$(guest_log "$name")")
	xl create "/etc/xen/$name.cfg" >/run/xl.out 2>&1 || {
		say "xl create $name: $(tail -n 3 /run/xl.out)"
		return 1
	}
}

# guest_start NAME MAC [KEYS]
guest_start()
{
	guest_create "$@" && guest_ready "$1"
}

# guest_run NAME COMMAND: at most 3000 characters and GUEST_RUN_LIMIT seconds (60). It reads the log without starting
# programs, which would take time from the guest on a machine with two CPUs.
guest_run()
{
	local IFS= id tty fd line= more text= status=0

	id=${EPOCHREALTIME//[^0-9]/}$RANDOM
	tty=$(xenstore-read "/local/domain/$(guest_domid "$1")/console/tty") || return 125
	exec {fd}<"$(guest_log "$1")" || return 125
	tail -c 0 <&"$fd"
	printf '%s %s\n' "$id" "$(printf '%s' "$2" | base64 -w 0)" >"$tty"
	guest_answer "$1" "$2" $((SECONDS + ${GUEST_RUN_LIMIT:-60}))
	status=$?
	exec {fd}<&-
	return $status
}

# guest_answer NAME COMMAND SECONDS: part of guest_run; uses its local variables
guest_answer()
{
	until [[ $line == "@end $id "* ]]; do
		line=
		until read -r more <&"$fd"; do # no more output yet, perhaps in the middle of a line
			line=$line$more
			[ $SECONDS -lt "$3" ] || { say "timeout: $1's answer to: $2" >&2; return 124; }
			bed_pause 0.05
		done
		line=$line$more
		[[ $line != "@begin $id"* ]] || text=
		text+=$line$'\n'
	done
	text=${text#*$'\n'}
	text=${text%"$line"$'\n'}
	# The agent adds a line break to the command's output.
	text=${text%$'\n'}
	[ -z "$text" ] || printf '%s\n' "${text%$'\n'}"
	return "${line##* }"
}

guest_is_gone() { ! xl domid "$1"; }

guest_stop()
{
	xl shutdown "$1" >/dev/null 2>&1
	if ! wait_for 30 "$1's end" guest_is_gone "$1"; then
		xl destroy "$1"
		wait_for 10 "$1's end" guest_is_gone "$1"
	fi
}

# guest_reboot NAME: reboots through the toolstack; NAME gets a new domain
guest_reboot()
{
	guest_booted[$1]=$(log_size "$(guest_log "$1")")
	xl reboot "$1" >/run/xl.out 2>&1 && guest_ready "$1"
}

# Counts domains other than dom0 and those named: a back end that keeps a grant mapped leaves them behind
zombies() { xl list | awk -v keep=" Name Domain-0 $* " 'index(keep, " " $1 " ") == 0' | wc -l; }

vif_state_is() { [ "$(vif_key "$1" state "${3:-0}")" = "$2" ]; }
vif_path_is() { [ "$(vif_key "$1" path "${3:-0}")" = "$2" ]; }

# ping_lost NAME ADDRESS [COUNT]: counts unanswered requests and duplicated or wrong answers
ping_lost()
{
	guest_run "$1" "pingcheck -c ${3:-5} -i 50 $2" |
		awk '/^sent/ { print $6 + $8 + $10; seen = 1 } END { if (!seen) print "unknown" }'
}

# iperf_port NAME: of the guest's own server
iperf_port() { echo $((BED_IPERF_PORT + guest_number[$1] % BED_IPERF_SERVERS)); }

# tcp_mbps NAME out|in [SECONDS]: "out" means that the guest sends. Each guest has its own server; if that is still
# busy with the last test, the client tries again.
tcp_mbps()
{
	local port reverse= try mbps=0

	port=$(iperf_port "$1")
	[ "$2" = out ] || reverse=-R
	for try in 1 2 3; do
		mbps=$(guest_run "$1" "iperf3 -c $OUTSIDE -p $port -t ${3:-3} -f m $reverse 2>&1" | tee -a /results/iperf3.txt |
			awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") mbps = $i }
			     END { print mbps == "" ? 0 : mbps }')
		[ "$mbps" = 0 ] || break
		sleep 1
	done
	echo "$mbps"
}

# vif_key NAME KEY [HANDLE]: reads a key of the guest's interface at the back end, which is in domain BACKEND (0)
vif_key() { xenstore-read "/local/domain/${BACKEND:-0}/backend/vif/$(guest_domid "$1")/${3:-0}/$2" 2>/dev/null; }

# --- vifd ------------------------------------------------------------------------------------------------------

# vifd_config LINE...: writes /etc/vifd/vifd.conf; the default is BED_WORKERS workers (1) and the NIC that was set up
vifd_config()
{
	mkdir -p /etc/vifd
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >/etc/vifd/vifd.conf
	else
		printf '%s\n' '[daemon]' "workers = $BED_WORKERS" '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" \
			"uplink = $PF" >/etc/vifd/vifd.conf
	fi
}

# Loads vifd's profile, and has vifd tell when it is ready as systemd wants it. On the bed /usr/sbin is a link, and vifd
# inherits its log.
bed_confine()
{
	[ ! -e /sys/kernel/security/apparmor/policy ] || return 0
	mkdir -p /run/systemd
	export NOTIFY_SOCKET=/run/systemd/notify
	/bed/notified $NOTIFY_SOCKET >/run/notified.txt &
	mount -t securityfs securityfs /sys/kernel/security
	mkdir -p /etc/apparmor.d/local
	echo '/run/vifd.log w,' >/etc/apparmor.d/local/usr.sbin.vifd
	sed -i 's|/usr/sbin/vifd |/usr/bin/vifd |' /etc/apparmor.d/usr.sbin.vifd
	apparmor_parser --replace --skip-cache /etc/apparmor.d/usr.sbin.vifd || die "vifd's AppArmor profile does not load"
	# Something that has to be denied, and to be seen
	bash -c 'echo "exec vifd" >/proc/self/attr/exec; exec cat /etc/passwd' >/dev/null 2>&1
	denials_before=$(apparmor_denials)
	[ "$denials_before" -gt 0 ] || die "AppArmor denies nothing"
}

vifd_start()
{
	local offset

	[ "$BED_APPARMOR" = no ] || bed_confine
	[ $# = 0 ] && [ -e /etc/vifd/vifd.conf ] || vifd_config "$@"
	offset=$(log_size /run/vifd.log)
	vifd -c /etc/vifd/vifd.conf >>/run/vifd.log 2>&1 &
	vifd_pid=$!
	wait_for 120 "vifd's start" vifd_is_up "$offset"
	said_since /run/vifd.log "$offset" 'serving domain' || die "vifd did not start: $(tail -n 3 /run/vifd.log)"
	[ "$BED_APPARMOR" = no ] || is_confined
}

is_confined()
{
	[ "$(cat "/proc/$vifd_pid/attr/current")" = 'vifd (enforce)' ] || die "AppArmor does not confine vifd"
	wait_for 5 "vifd to tell systemd" grep -q READY=1 /run/notified.txt || die "vifd cannot tell systemd that it is ready"
}

# How often AppArmor denied something
apparmor_denials()
{
	dmesg | grep 'apparmor="DENIED"' >/results/apparmor.txt
	wc -l </results/apparmor.txt
}

# vifd_is_up OFFSET: also true if vifd has ended, so that nobody waits for it
vifd_is_up() { said_since /run/vifd.log "$1" 'serving domain' || vifd_is_gone; }

# vifd_stop [SIGNAL]: ends vifd and waits; returns its exit status
vifd_stop()
{
	kill "-${1:-TERM}" "$vifd_pid"
	wait_for 20 "vifd's end" vifd_is_gone || kill -KILL "$vifd_pid"
	wait "$vifd_pid"
}

# process_is_gone PID: also true for a zombie that this shell has not waited for yet
process_is_gone()
{
	local stat

	! read -r stat <"/proc/$1/stat" || [[ $stat == *') Z '* ]]
}

vifd_is_gone() { process_is_gone "$vifd_pid"; }
vifd_lives() { ! vifd_is_gone; }

trap 'check end_reached false true; finish' EXIT
