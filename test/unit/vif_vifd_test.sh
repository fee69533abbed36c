#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The hotplug script against a xenstore made of files, and what systemd is told: one fact a function.
set -eu

cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/facts.sh
. test/unit/facts.sh
script=$PWD/toolstack-hooks/vif-vifd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STORE=$work/store VIF_VIFD_SYS=$work/sys VIF_VIFD_WAIT_S=1
export XENBUS_PATH=backend/vif/3/0

# Stand-ins for the xenstore programs: a key is a file below $STORE.
make_store_programs() {
	mkdir -p "$work/bin"
	cat >"$work/bin/xenstore-read" <<-'END'
		#!/bin/sh
		[ -z "${ON_READ:-}" ] || eval "$ON_READ"
		cat "$STORE/$1" 2>/dev/null
	END
	cat >"$work/bin/xenstore-write" <<-'END'
		#!/bin/sh
		while [ $# -gt 1 ]; do
			mkdir -p "$(dirname "$STORE/$1")"; printf '%s\n' "$2" >"$STORE/$1"; shift 2
		done
		[ -z "${ON_WRITE:-}" ] || eval "$ON_WRITE"
	END
	# shellcheck disable=SC2016 # the stand-ins expand it
	printf '#!/bin/sh\n[ -e "$STORE/$1" ]\n' >"$work/bin/xenstore-exists"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm -rf "$STORE/$1"\n' >"$work/bin/xenstore-rm"
	chmod +x "$work"/bin/*
	PATH=$work/bin:$PATH
}

# What libxl leaves before it runs the script, with the back end in state $1.
new_vif() {
	rm -rf "$STORE" "$VIF_VIFD_SYS"
	mkdir -p "$STORE/$XENBUS_PATH" "$VIF_VIFD_SYS"
	echo /local/domain/3/device/vif/0 >"$STORE/$XENBUS_PATH/frontend"
	echo "$1" >"$STORE/$XENBUS_PATH/state"
	[ "$1" = 1 ] || echo vifd >"$STORE/$XENBUS_PATH/served-by"
	: >"$STORE/$XENBUS_PATH/hotplug-status"
}

key() { cat "$STORE/$XENBUS_PATH/$1" 2>/dev/null || true; }
run() { "$script" "$@" 2>"$work/err"; }
refused() { if run "$@"; then return 1; fi; }

online_reports_connected() {
	new_vif 2
	run online type_if=vif
	[ "$(key hotplug-status)" = connected ] && [ -z "$(key hotplug-error)" ]
}

online_waits_for_initwait() {
	new_vif 1
	(sleep 0.5; echo vifd >"$STORE/$XENBUS_PATH/served-by"; echo 2 >"$STORE/$XENBUS_PATH/state") &
	run online type_if=vif
	wait
	[ "$(key hotplug-status)" = connected ]
}

no_vifd_is_an_error_with_a_remedy() {
	new_vif 1
	refused online type_if=vif
	[ "$(key hotplug-status)" = error ] && [[ $(key hotplug-error) == *"systemctl start vifd"* ]]
}

what_vifd_refuses_is_told_at_once() {
	new_vif 2
	rm "$STORE/$XENBUS_PATH/served-by"
	echo "bridge=dmz: no such [nic]" >"$STORE/$XENBUS_PATH/fault"
	VIF_VIFD_WAIT_S=60 refused online type_if=vif
	[ "$(key hotplug-status)" = error ] && [ "$(key hotplug-error)" = "bridge=dmz: no such [nic]" ]
}

# Two vifs with one address: the second waits, and its guest is created all the same.
what_vifd_only_holds_is_connected() {
	new_vif 2
	echo "its mac is that of vif 3.0" >"$STORE/$XENBUS_PATH/fault"
	run online type_if=vif
}

# A folder stands for the kernel's driver; what is written to unbind stays there.
bind_netback() {
	mkdir -p "$VIF_VIFD_SYS/bus/xen-backend/drivers/vif/$1"
	: >"$VIF_VIFD_SYS/bus/xen-backend/drivers/vif/unbind"
}
unbound() { cat "$VIF_VIFD_SYS/bus/xen-backend/drivers/vif/unbind"; }

vifd_is_waited_for_until_it_has_unbound_netback() {
	new_vif 2
	bind_netback vif-3-0
	(sleep 0.5; rmdir "$VIF_VIFD_SYS/bus/xen-backend/drivers/vif/vif-3-0") &
	ON_WRITE="[ ! -e $VIF_VIFD_SYS/bus/xen-backend/drivers/vif/vif-3-0 ] || echo early >&2" run online type_if=vif
	wait
	[ "$(key hotplug-status)" = connected ]
	[ "$(key hotplug-done)" = 1 ]
	[ -z "$(unbound)" ]
	[ ! -s "$work/err" ]
}

keys_of_netback_are_not_vifds() {
	new_vif 2
	rm "$STORE/$XENBUS_PATH/served-by"
	echo 1 >"$STORE/$XENBUS_PATH/feature-rx-copy"
	bind_netback vif-3-0
	refused online type_if=vif
	[ "$(key hotplug-status)" = error ] && [[ $(key hotplug-error) == *"systemctl start vifd"* ]]
}

what_vifd_does_not_take_is_nobodys() {
	new_vif 2
	rm "$STORE/$XENBUS_PATH/served-by"
	echo "vifd is not running" >"$STORE/$XENBUS_PATH/fault"
	bind_netback vif-3-0
	refused online type_if=vif
	[ "$(unbound)" = vif-3-0 ] && [ "$(key hotplug-error)" = "vifd is not running" ]
}

netback_of_another_interface_does_not_matter() {
	new_vif 2
	bind_netback vif-3-1
	run online type_if=vif
}

vif_that_vanishes_leaves_nothing_behind() {
	new_vif 2
	ON_READ="rm -rf $STORE/backend" refused online type_if=vif
	[ ! -e "$STORE/backend" ]
	new_vif 2
	ON_WRITE="rm -f $STORE/$XENBUS_PATH/frontend" refused online type_if=vif
	[ ! -e "$STORE/$XENBUS_PATH" ]
}

offline_and_tap_change_nothing() {
	new_vif 6
	run offline type_if=vif
	run remove type_if=vif
	run add type_if=tap
	run remove type_if=tap
	[ -z "$(key hotplug-status)" ]
}

# A stand-in for ip: says what it was asked
make_ip() {
	# shellcheck disable=SC2016 # the stand-in expands it
	printf '#!/bin/sh\necho "$*" >>"$STORE/routes"\n[ ! -e "$STORE/no-device" ]\n' >"$work/bin/ip"
	chmod +x "$work/bin/ip"
}

routes_of_a_gatewaydev_come_and_go() {
	make_ip
	new_vif 2
	echo guests0 >"$STORE/$XENBUS_PATH/gatewaydev"
	echo "10.137.0.5 fd00::5" >"$STORE/$XENBUS_PATH/ip"
	run online type_if=vif
	[ "$(key hotplug-status)" = connected ]
	[ "$(cat "$STORE/routes")" = $'route replace 10.137.0.5 dev guests0\nroute replace fd00::5 dev guests0' ]
	rm "$STORE/routes"
	run offline type_if=vif
	[ "$(cat "$STORE/routes")" = $'route del 10.137.0.5 dev guests0\nroute del fd00::5 dev guests0' ]
}

gatewaydev_that_cannot_work_is_an_error() {
	make_ip
	new_vif 2
	echo guests0 >"$STORE/$XENBUS_PATH/gatewaydev"
	refused online type_if=vif
	[[ $(key hotplug-error) == "gatewaydev=guests0 needs the guest's addresses in ip=" ]]
	new_vif 2
	echo guests0 >"$STORE/$XENBUS_PATH/gatewaydev"
	echo 10.137.0.5 >"$STORE/$XENBUS_PATH/ip"
	touch "$STORE/no-device"
	refused online type_if=vif
	[[ $(key hotplug-error) == "no route to 10.137.0.5 by guests0"* ]]
}

# path=kernel: vifd says what the netdev is called
netdev_joins_its_bridge() {
	make_ip
	new_vif 2
	mkdir -p "$VIF_VIFD_SYS/class/net/xenbr0/bridge"
	echo vif3.0 >"$STORE/$XENBUS_PATH/netdev"
	echo xenbr0 >"$STORE/$XENBUS_PATH/bridge"
	echo 10.137.0.5 >"$STORE/$XENBUS_PATH/ip"
	run online type_if=vif
	[ "$(cat "$STORE/routes")" = 'link set dev vif3.0 master xenbr0' ]
	new_vif 2
	mkdir -p "$VIF_VIFD_SYS/class/net/xenbr0/bridge"
	echo vif3.0 >"$STORE/$XENBUS_PATH/netdev"
	echo xenbr0 >"$STORE/$XENBUS_PATH/bridge"
	touch "$STORE/no-device"
	refused online type_if=vif
	[[ $(key hotplug-error) == "vif3.0 cannot become a port of the bridge xenbr0" ]]
}

netdev_without_a_bridge_gets_routes() {
	make_ip
	new_vif 2
	echo vif3.0 >"$STORE/$XENBUS_PATH/netdev"
	echo nic0 >"$STORE/$XENBUS_PATH/bridge"
	echo "10.137.0.5 fd00::5" >"$STORE/$XENBUS_PATH/ip"
	run online type_if=vif
	[ "$(cat "$STORE/routes")" = $'route replace 10.137.0.5 dev vif3.0\nroute replace fd00::5 dev vif3.0' ]
}

unknown_command_is_refused() {
	new_vif 2
	refused reboot type_if=vif
	refused
}

many_at_once() {
	local i pids=()
	rm -rf "$STORE" "$VIF_VIFD_SYS"
	for i in $(seq 20); do
		mkdir -p "$STORE/backend/vif/$i/0"
		echo x >"$STORE/backend/vif/$i/0/frontend"
		echo 2 >"$STORE/backend/vif/$i/0/state"
		echo 1 >"$STORE/backend/vif/$i/0/served-by"
		XENBUS_PATH=backend/vif/$i/0 "$script" online type_if=vif &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat "$STORE"/backend/vif/*/0/hotplug-status | sort | uniq -c | tr -s ' ')" = ' 20 connected' ]
}

# unit_has LINE...: vifd.service has these settings
unit_has() {
	local line
	for line; do grep -qx "$line" toolstack-hooks/vifd.service || { echo "no $line" >"$work/err"; return 1; }; done
}

vifd_is_started_again_however_often_it_fails() {
	unit_has StartLimitIntervalSec=0 Restart=on-failure ProtectSystem=full
}

make_store_programs
facts "$work/err" online_reports_connected online_waits_for_initwait no_vifd_is_an_error_with_a_remedy \
	what_vifd_refuses_is_told_at_once what_vifd_only_holds_is_connected \
	vifd_is_waited_for_until_it_has_unbound_netback keys_of_netback_are_not_vifds \
	what_vifd_does_not_take_is_nobodys netback_of_another_interface_does_not_matter \
	vif_that_vanishes_leaves_nothing_behind offline_and_tap_change_nothing \
	unknown_command_is_refused many_at_once vifd_is_started_again_however_often_it_fails \
	routes_of_a_gatewaydev_come_and_go gatewaydev_that_cannot_work_is_an_error \
	netdev_joins_its_bridge netdev_without_a_bridge_gets_routes
