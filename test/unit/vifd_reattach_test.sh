#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifd-reattach against a xenstore made of files and an xl that only says what it was asked.
set -eu

cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/facts.sh
. test/unit/facts.sh
script=$PWD/toolstack-hooks/vifd-reattach
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STORE=$work/store CALLS=$work/calls

# shellcheck disable=SC2016 # the stand-ins expand it
make_programs() {
	mkdir -p "$work/bin"
	printf '#!/bin/sh\n[ -f "$STORE$1" ] && cat "$STORE$1"\n' >"$work/bin/xenstore-read"
	printf '#!/bin/sh\nls "$STORE$1" 2>/dev/null\n' >"$work/bin/xenstore-list"
	printf '#!/bin/sh\n:\n' >"$work/bin/sleep"
	printf '#!/bin/sh\nfor key in "$@"; do rm -r "$STORE$key" || exit 1; done\n' >"$work/bin/xenstore-rm"
	cat >"$work/bin/xl" <<-'END'
		#!/bin/sh
		if [ "$1" = domid ]; then cat "$STORE/names/$2" 2>/dev/null; exit; fi
		echo "$*" >>"$CALLS"
		for word in "$@"; do case $word in ip=*' '*) touch "$STORE/one-word" ;; esac; done
		[ ! -e "$STORE/$1.fails-once" ] || { rm "$STORE/$1.fails-once"; exit 1; }
		[ ! -e "$STORE/$1.fails" ]
	END
	chmod +x "$work"/bin/*
	PATH=$work/bin:$PATH
}

put() {
	mkdir -p "$(dirname "$STORE$1")"
	echo "$2" >"$STORE$1"
}

# vif GUEST DEVID BACKEND
vif() {
	put "/libxl/$1/device/vif/$2/backend" "/local/domain/$3/backend/vif/$1/$2"
	put "/libxl/$1/device/vif/$2/mac" "00:16:3e:00:00:0$1"
	put "/libxl/$1/device/vif/$2/script" /etc/xen/scripts/vif-vifd
}

# Domain 9 is the new driver domain "net", 4 is the one that ended, 5 is another one that lives.
new_host() {
	rm -rf "$STORE" "$CALLS"
	put /names/net 9
	put /names/web 1
	put /local/domain/9/domid 9
	put /local/domain/5/domid 5
	put /local/domain/0/domid 0
	vif 1 0 4
	vif 2 0 5
	vif 3 1 4
	: >"$CALLS"
}

only_those_whose_back_end_is_gone() {
	new_host
	"$script" net >"$work/out"
	[ "$(cat "$CALLS")" = "network-detach 1 0
network-attach 1 mac=00:16:3e:00:00:01 backend=net devid=0 script=/etc/xen/scripts/vif-vifd
network-detach 3 1
network-attach 3 mac=00:16:3e:00:00:03 backend=net devid=1 script=/etc/xen/scripts/vif-vifd" ]
}

named_guests_only() {
	new_host
	"$script" net web >"$work/out"
	[ "$(grep -c . "$CALLS")" = 2 ] && grep -q '^network-attach 1 ' "$CALLS"
}

keys_stay_as_they_were() {
	new_host
	put /libxl/1/device/vif/0/bridge lan
	put /libxl/1/device/vif/0/ip "10.0.0.5 10.0.0.6"
	put /libxl/1/device/vif/0/rate 62500,50000
	put /libxl/1/device/vif/0/vifname web
	"$script" net web >"$work/out"
	grep -q ' bridge=lan script=[^ ]* ip=10.0.0.5 10.0.0.6 vifname=web rate=1250000B/s@50000us$' "$CALLS"
	[ -e "$STORE/one-word" ] # xl takes several addresses as one word
}

interface_that_xl_cannot_detach_is_removed() {
	new_host
	touch "$STORE/network-detach.fails"
	put /local/domain/1/device/vif/0/state 4
	"$script" net web >"$work/out"
	grep -q '^network-attach 1 mac=00:16:3e:00:00:01 ' "$CALLS"
	[ ! -e "$STORE/libxl/1/device/vif/0" ] && [ ! -e "$STORE/local/domain/1/device/vif/0" ]
}

failure_of_xl_is_told_and_the_others_go_on() {
	new_host
	touch "$STORE/network-attach.fails"
	if "$script" net >"$work/out" 2>"$work/err"; then return 1; fi
	grep -q '^network-attach 3 ' "$CALLS"
	grep -q 'vif 3.1' "$work/err"
	# the keys are nowhere else any more
	grep -q 'try later: xl network-attach 1 mac=00:16:3e:00:00:01 backend=net devid=0 ' "$work/err"
}

back_end_that_is_slow_is_asked_again() {
	new_host
	touch "$STORE/network-attach.fails-once"
	"$script" net web >"$work/out"
	[ "$(cut -d' ' -f1,2 "$CALLS" | tr '\n' ' ')" = "network-detach 1 network-attach 1 network-detach 1 network-attach 1 " ]
	grep -q 'vif 1.0: served by net' "$work/out"
}

domain_that_does_not_run_is_refused() {
	new_host
	if "$script" storage 2>"$work/err"; then return 1; fi
	grep -q "no domain 'storage': start it first" "$work/err" && [ ! -s "$CALLS" ]
}

make_programs
facts "$CALLS" only_those_whose_back_end_is_gone named_guests_only keys_stay_as_they_were interface_that_xl_cannot_detach_is_removed \
	failure_of_xl_is_told_and_the_others_go_on back_end_that_is_slow_is_asked_again domain_that_does_not_run_is_refused
