#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The hotplug script for xapi, called as its xenopsd does, against a xenstore made of files: one fact a function.
# What xenopsd calls and waits for is in ocaml/xenopsd/xc/{device,hotplug}.ml of xapi-project/xen-api.
set -eu

cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/facts.sh
. test/unit/facts.sh
script=$PWD/toolstack-hooks/vif-vifd-xapi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STORE=$work/store VIF_VIFD_SYS=$work/sys VIF_VIFD_WAIT_S=1
export VIF_VIFD_XAPI_HOOK=$work/bin/vif-hotplug VIF_VIFD_XAPI_RULES=$work/bin/setup-vif-rules
UUID=01234567-89ab-cdef-0123-456789abcdef
BACK=backend/vif/3/0
PRIVATE=xapi/$UUID/private/vif/0
HOTPLUG=xapi/$UUID/hotplug/3/vif/0

# Stand-ins for the xenstore programs: a key is a file below $STORE. hotplug-status connected is noted in $STORE/order.
make_programs() {
	mkdir -p "$work/bin"
	# shellcheck disable=SC2016 # the stand-ins expand it
	printf '#!/bin/sh\ncat "$STORE/$1" 2>/dev/null\n' >"$work/bin/xenstore-read"
	cat >"$work/bin/xenstore-write" <<-'END'
		#!/bin/sh
		while [ $# -gt 1 ]; do
			mkdir -p "$(dirname "$STORE/$1")"; printf '%s\n' "$2" >"$STORE/$1"; echo "$1" >>"$STORE/order"; shift 2
		done
	END
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ -e "$STORE/$1" ]\n' >"$work/bin/xenstore-exists"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm -rf "$STORE/$1"\n' >"$work/bin/xenstore-rm"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$*" >>"$STORE/hook"\n' >"$work/bin/vif-hotplug"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$*" >>"$STORE/xapi-rules"\n' >"$work/bin/setup-vif-rules"
	chmod +x "$work"/bin/*
	PATH=$work/bin:$PATH
}

put() { mkdir -p "$(dirname "$STORE/$1")"; printf '%s\n' "$2" >"$STORE/$1"; }
get() { cat "$STORE/$1" 2>/dev/null || true; }
key() { get "$BACK/$1"; }

# What Device.Vif.add writes, with the back end in InitWait
new_vif() {
	rm -rf "$STORE" "$VIF_VIFD_SYS"
	put local/domain/3/vm "/vm/$UUID"
	put "vm/$UUID/uuid" "$UUID"
	put $BACK/frontend /local/domain/3/device/vif/0
	put $BACK/script "$script"
	put $BACK/mac 00:16:3e:00:00:01
	put $BACK/state 2
	put $BACK/served-by vifd
	mkdir -p "$STORE/$HOTPLUG"
	put $PRIVATE/bridge xenbr1
	put $PRIVATE/MTU 1500
	put $PRIVATE/trunks ''
	put $PRIVATE/locking-mode unlocked
	put $PRIVATE/vif-uuid v1
}

# xenopsd ACTION KIND [ARG]: as Hotplug.run_hotplug_script calls it
xenopsd() {
	env script="$script" XENBUS_TYPE="$2" XENBUS_PATH="backend/$2/3/0" XENBUS_BASE_PATH=backend XENBUS_PREFIX= \
		INTERFACE="${2}3.0" "$script" "$1" ${3:+"$3"} 2>"$work/err"
}
plug() {
	xenopsd add vif
	xenopsd online vif
	xenopsd add tap
	xenopsd online tap
}
# As it does when the locking mode changes
set_locking_mode() { "$script" classic vif3.0 $UUID 0 filter 2>"$work/err"; }
is_no() { if "$@"; then return 1; fi; }

plug_ends_with_what_xenopsd_waits_for() {
	new_vif
	plug
	[ "$(get $HOTPLUG/hotplug)" = online ]
	[ "$(get $HOTPLUG/vif)" = vif3.0 ]
	[ "$(key hotplug-status)" = connected ]
	[ -z "$(key hotplug-error)" ]
}

settings_are_there_before_vifd_may_connect() {
	local written
	new_vif
	put $PRIVATE/MTU 9000
	plug
	[ "$(key bridge)" = xenbr1 ]
	[ "$(key mtu)" = 9000 ]
	written=$(sed -n '/hotplug-status/q; p' "$STORE/order")
	[[ $written == *$BACK/bridge* && $written == *$BACK/mtu* ]]
	is_no grep -q "$HOTPLUG" <<<"$written"
}

failure_is_where_xenopsd_looks() {
	new_vif
	rm "$STORE/$BACK/served-by"
	put $BACK/fault "bridge=xenbr1: no [nic] of vifd.conf has this name"
	xenopsd add vif
	is_no xenopsd online vif
	[[ $(key hotplug-error) == bridge=xenbr1* ]] && [ -z "$(get $HOTPLUG/hotplug)" ]
}

unplug_removes_what_xenopsd_waits_for() {
	new_vif
	plug
	rm -rf "${STORE:?}/$BACK" # Generic.rm_device_state comes first
	xenopsd remove vif
	xenopsd remove tap
	[ ! -e "$STORE/$HOTPLUG/hotplug" ]
	[ ! -e "$STORE/$BACK" ]
}

taps_are_left_to_xapi() {
	new_vif
	xenopsd add tap
	xenopsd online tap
	xenopsd move tap type_if=tap
	xenopsd remove tap
	[ ! -e "$STORE/order" ]
	"$script" classic tap3.0 $UUID 0 filter
	[ "$(get xapi-rules)" = "classic tap3.0 $UUID 0 filter" ]
}

locked_means_these_addresses() {
	new_vif
	put $PRIVATE/locking-mode locked
	put $PRIVATE/ipv4-allowed 10.0.0.5,10.0.0.6
	put $PRIVATE/ipv6-allowed fd00::5
	plug
	[ "$(key ip)" = 10.0.0.5,10.0.0.6,fd00::5 ]
	[ ! -e "$STORE/$BACK/policy" ]
	put $PRIVATE/ipv4-allowed ''
	set_locking_mode
	[ "$(key ip)" = fd00::5 ]
}

locked_without_addresses_passes_nothing() {
	new_vif
	put $PRIVATE/locking-mode locked
	put $PRIVATE/ipv4-allowed ''
	put $PRIVATE/ipv6-allowed ''
	plug
	[ "$(key policy/tx)$(key policy/rx)" = 00 ]
}

locking_mode_changes_while_it_runs() {
	locked_without_addresses_passes_nothing
	put $PRIVATE/locking-mode disabled
	set_locking_mode
	[ "$(key policy/link)" = off ]
	[ -z "$(key policy/tx)$(key policy/rx)" ]
	put $PRIVATE/locking-mode unlocked
	set_locking_mode
	[ -z "$(key policy/link)" ]
	[ "$(key mtu)" = 1500 ]
}

trunks_are_a_vlan_filter() {
	new_vif
	put $PRIVATE/trunks 10,20
	plug
	[ "$(key policy/vlan-filter)" = 10,20 ]
	[ -z "$(key policy/allow-untagged)" ]
	put $PRIVATE/trunks 0,10
	set_locking_mode
	[ "$(key policy/vlan-filter)" = 10 ]
	[ "$(key policy/allow-untagged)" = 1 ]
}

promiscuous_is_for_a_bridge_in_the_guest() {
	new_vif
	put $PRIVATE/other-config/promiscuous true
	plug
	[ "$(key policy/promiscuous)$(key policy/anti-spoof)" = 10 ]
}

hook_of_the_admin_is_called() {
	new_vif
	plug
	xenopsd remove vif
	[ "$(get hook)" = "-action online -vifuuid v1 -vmuuid $UUID
-action remove -vifuuid v1 -vmuuid $UUID" ]
}

move_is_for_the_next_connection() {
	new_vif
	plug
	put $PRIVATE/bridge xenbr2
	xenopsd move vif type_if=vif
	[ "$(key bridge)" = xenbr2 ]
	grep -q 'connects its interface again' "$work/err"
}

unknown_command_is_refused() {
	new_vif
	is_no xenopsd reboot vif
}

# The rules that are written are rules of vifd's.
keys_are_known_to_vifd() {
	local key
	grep -oE 'policy/[a-z-]+' "$script" | sort -u >"$work/keys"
	while read -r key; do
		grep -q "^backend/$key = " xenstore-schema/vif.schema || { echo "no rule $key" >"$work/err"; return 1; }
	done <"$work/keys"
}

make_programs
facts "$work/err" plug_ends_with_what_xenopsd_waits_for settings_are_there_before_vifd_may_connect \
	failure_is_where_xenopsd_looks unplug_removes_what_xenopsd_waits_for taps_are_left_to_xapi \
	locked_means_these_addresses locked_without_addresses_passes_nothing locking_mode_changes_while_it_runs \
	trunks_are_a_vlan_filter promiscuous_is_for_a_bridge_in_the_guest hook_of_the_admin_is_called \
	move_is_for_the_next_connection unknown_command_is_refused keys_are_known_to_vifd
