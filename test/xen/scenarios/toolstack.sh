#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What xl's user reads: vifd does not run, or the vif line has a name or an address that cannot be.
#
#     xl -- libxl -- vif-vifd -- vifd, or vifd-absent in its place; no NIC
. /bed/lib.sh

NOT_RUNNING="vifd is not running: run 'systemctl start vifd', or see 'journalctl -u vifd' for the reason"
NO_NIC="bridge=lna: no [nic] of vifd.conf has this name, pf or uplink; there are: lan dmz"
NO_MAC="mac: expected a unicast address, as 00:16:3e:00:00:01"

now_ms() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

# plain: xl's output without what differs from release to release and from run to run
plain() { sed -E 's/libxl_[a-z]+\.c:[0-9]+:[a-z_]+: //; s/\[[0-9]+\] exited/exited/; s/Domain [0-9]+:/Domain:/; s,vif/[0-9]+/,vif/DOMID/,'; }

# xl_says NAME WANTED ARG...: xl fails; all of its output is WANTED, apart from what it then says of the domain's end
xl_says()
{
	local name=$1 wanted=$2 since status
	shift 2

	say "xl $*"
	since=$(now_ms)
	xl "$@" >/run/xl.out 2>&1
	status=$?
	figure "${name}_ms" $(($(now_ms) - since)) "" ms
	cat /run/xl.out
	plain </run/xl.out | grep -v -e '^Parsing config' \
		-e '^libxl: error: Domain:\(Non-existant domain\|Unable to destroy guest\|Destruction of domain failed\)$' >/run/xl.plain
	check "${name}_status" $status "!= 0"
	check_true "${name}_output" test "$(cat /run/xl.plain)" = "$wanted"
}

# failed WHY [HANDLE]: what libxl says when the script has failed
failed()
{
	printf '%s\n' "vif-vifd: backend/vif/DOMID/${2:-0}: $1" \
		'libxl: error: /etc/xen/scripts/vif-vifd online exited with error status 1' \
		"libxl: error: script: $1"
}

# create_fails NAME WHY MAC KEYS
create_fails()
{
	guest_number[$1]=1
	guest_config "$1" "$3" "$4"
	xl_says "$1" "$(failed "$2"; echo 'libxl: error: Domain:unable to add vif devices')" create "/etc/xen/$1.cfg"
	check_true "$1_is_gone" wait_for 10 "$1's end" guest_is_gone "$1"
	check "$1_left_nodes" "$(xenstore-list /local/domain/0/backend/vif 2>/dev/null | wc -l)" "== 0"
}

handle_is_gone() { ! vif_key g1 state "$1"; }

# attach_fails NAME WHY HANDLE ARG...: and what libxl leaves of it can be detached
attach_fails()
{
	local name=$1 why=$2 handle=$3
	shift 3

	xl_says "$name" "$(failed "$why" "$handle"
		printf '%s\n' "libxl: error: Domain:Unable to add vif with id $handle" 'libxl_device_nic_add failed.')" \
		network-attach g1 script=vif-vifd "$@"
	check "${name}_fault" "$(vif_key g1 fault "$handle")" "== $why"
	xl network-detach g1 "$handle"
	check_true "${name}_is_detached" wait_for 10 "the end of vif $handle" handle_is_gone "$handle"
}

attach_connects()
{
	check_true "$1" xl network-attach g1 mac=00:16:3e:00:00:03 script=vif-vifd bridge=dmz
	check_true "$1_connects" wait_for 30 "g1's second interface" vif_state_is g1 4 1
}

vifd_config '[daemon]' "workers = $BED_WORKERS" '[nic lan]' 'uplink = none' '[nic dmz]' 'uplink = none'
/etc/xen/scripts/vifd-absent /etc/vifd/vifd.conf &
absent=$!
create_fails absent "$NOT_RUNNING" 00:16:3e:00:00:01 script=vif-vifd
vifd_start
create_fails typo "$NO_NIC" 00:16:3e:00:00:01 script=vif-vifd,bridge=lna
create_fails group "$NO_MAC" 01:00:5e:00:00:12 script=vif-vifd
check lines_about_the_name "$(grep -c 'bridge=lna' /run/vifd.log)" "== 1"
guest_start g1 00:16:3e:00:00:02 script=vif-vifd,bridge=dmz || die "g1 did not start"
check_true right_name_connects wait_for 30 "g1 connected" vif_state_is g1 4
attach_fails typo_attach "$NO_NIC" 1 mac=00:16:3e:00:00:03 bridge=lna
vifd_stop
attach_fails absent_attach "$NOT_RUNNING" 1 mac=00:16:3e:00:00:03 bridge=dmz
check connected_guest_keeps_its_state "$(vif_key g1 state)" "== 4"
vifd_start
attach_connects attached
xl pause g1
check_true paused_guest_is_detached xl network-detach g1 1
check_true nothing_is_left_of_it handle_is_gone 1
xl unpause g1
attach_connects attached_after_the_pause
vifd_stop
check_true destroy xl destroy g1
check nodes_left "$(xenstore-list /local/domain/0/backend/vif 2>/dev/null | wc -l)" "== 0"
kill $absent
finish
