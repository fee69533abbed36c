#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifd-absent against a xenstore and a sysfs made of files: one fact a function.
set -eu

if [ "${1:-}" = --help ]; then sed -n '3s/^# //p' "$0"; exit 0; fi
cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/facts.sh
. test/unit/facts.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STORE=$work/store VIFD_ABSENT_SYS=$work/sys VIFD_ABSENT_GRACE_S=0
dir=/local/domain/0/backend/vif/3/0
driver=$work/sys/bus/xen-backend/drivers/vif

# program NAME LINE: a stand-in
program() { printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"; chmod +x "$work/bin/$1"; }

make_programs() {
	mkdir -p "$work/bin" "$work/run"
	# shellcheck disable=SC2016 # the stand-ins expand it
	program xenstore-read '[ "$1" != domid ] || { echo 0; exit; }; cat "$STORE/$1" 2>/dev/null'
	# shellcheck disable=SC2016
	program xenstore-write 'printf "%s\n" "$2" >"$STORE/$1"'
	program xenstore-list 'exit 1'
	# shellcheck disable=SC2016
	program xenstore-watch 'echo "$1"; echo "$1/3/0/state"; sleep 5'
	printf '[daemon]\nrun_dir = %s\n' "$work/run" >"$work/vifd.conf"
}

# vif STATE ONLINE SCRIPT [bound]
vif() {
	rm -rf "$STORE" "$work/sys"
	mkdir -p "$STORE$dir" "$driver"
	: >"$driver/unbind"
	[ $# -lt 4 ] || mkdir "$driver/vif-3-0"
	echo "$1" >"$STORE$dir/state"
	echo "$2" >"$STORE$dir/online"
	echo "$3" >"$STORE$dir/script"
}

key() { cat "$STORE$dir/$1" 2>/dev/null || true; }
answers() { PATH=$work/bin:$PATH timeout 2 toolstack-hooks/vifd-absent "$work/vifd.conf" || true; }

new_interface_is_answered() {
	vif 1 1 /etc/xen/scripts/vif-vifd
	answers
	[ "$(key state)" = 2 ] && [[ $(key fault) == "vifd is not running"* ]] && [ ! -s "$driver/unbind" ]
}

interface_that_netback_holds_is_taken_from_it() {
	vif 2 1 /etc/xen/scripts/vif-vifd bound
	answers
	[ "$(cat "$driver/unbind")" = vif-3-0 ] && [[ $(key fault) == "vifd is not running"* ]]
}

interface_that_vifd_left_is_not_touched() {
	vif 2 1 vif-vifd
	answers
	[ -z "$(key fault)" ]
}

interface_of_the_kernel_is_not_touched() {
	vif 2 1 /etc/xen/scripts/vif-bridge bound
	answers
	[ -z "$(key fault)" ] && [ ! -s "$driver/unbind" ]
}

removed_interface_is_closed() {
	vif 5 0 vif-vifd-route
	answers
	[ "$(key state)" = 6 ]
}

make_programs
facts "$work/err" new_interface_is_answered interface_that_netback_holds_is_taken_from_it \
	interface_that_vifd_left_is_not_touched interface_of_the_kernel_is_not_touched removed_interface_is_closed
