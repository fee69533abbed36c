#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifd beside the kernel's xen-netback: whose an interface is says its script, whichever driver was loaded first.
#
#     g1's first vif --- vifd, a VF --- igb --- wire --- 10.0.2.9, which answers pings
#     g1's second vif, g2 --- xen-netback --- xenbr0 in dom0, 10.0.3.1
#
# 100 interfaces come and go as those of a guest that is created paused, ten at a time, five for each driver.
# BED_CREATES says how often (10). Guests that boot, networks attached, restarts of vifd and, with BED_DOMAINS=yes, a
# reboot, a restore and a migration come on top of that.
. /bed/lib.sh
. /bed/scenarios/migration_lib

bus=/sys/bus/xen-backend
second=00:16:3e:00:00:15
: "${BED_CREATES:=10}" "${BED_DOMAINS:=no}"
GUEST_BOOT_LIMIT=180
wrong=0 created=0 harmed=0

# served DOMID: prints the handles of those that vifd serves, with blanks around
served()
{
	xenstore-ls "/local/domain/0/backend/vif/$1" |
		awk '/^[0-9]/ { handle = $1 } $1 == "served-by" { served = served " " handle } END { print served " " }'
}

# is_right DOMID HANDLE vifd|netback SERVED
is_right()
{
	local bound=no by_vifd=no

	[ ! -e "$bus/drivers/vif/vif-$1-$2" ] || bound=yes
	[[ $4 != *" $2 "* ]] || by_vifd=yes
	case $3 in
	vifd) [ $bound$by_vifd = noyes ] ;;
	netback) [ $bound$by_vifd = yesno ] ;;
	esac && return
	say "vif $1.$2 is to be $3's: bound to xen-netback: $bound, served by vifd: $by_vifd"
	return 1
}

# look NAME vifd|netback [HANDLE]: counts an interface, and whether the wrong one has it
look()
{
	local domid

	domid=$(guest_domid "$1")
	created=$((created + 1))
	is_right "$domid" "${3:-0}" "$2" "$(served "$domid")" || wrong=$((wrong + 1))
}

reaches() { [ "$(ping_lost "$1" "$2" "${3:-5}")" = 0 ]; }

# netback_guest_lives WHEN: g2, which the kernel serves, has its network
netback_guest_lives()
{
	reaches g2 10.0.3.1 || {
		harmed=$((harmed + 1))
		say "g2 has no network $1"
	}
}

# Nothing of vifd's is bound when the module comes, and its guest loses nothing.
netback_comes_later()
{
	local lost

	guest_run g1 "pingcheck -c 100 -i 20 $PEER >/tmp/pings 2>&1 &"
	check_true netback_loads_beside_vifd modprobe xen-netback
	check netback_autoprobes_again "$(cat $bus/drivers_autoprobe)" "== 1"
	check_true loaded_later_takes_nothing is_right "$(guest_domid g1)" 0 vifd " 0 "
	wait_for 30 "g1's pings" guest_run g1 'grep -q ^sent /tmp/pings'
	lost=$(guest_run g1 'cat /tmp/pings' | awk '/^sent/ { print $6 + $8 + $10; seen = 1 } END { if (!seen) print "unknown" }')
	check lost_while_netback_loads "$lost" "== 0"
	check_true netback_unloads modprobe -r xen-netback
	check_true netback_loads_again modprobe xen-netback
	look g1 vifd
}

# A script of the kernel's interfaces that takes less time than vif-bridge, which g1 and g2 have
paused_config()
{
	local n vifs=

	printf '%s\n' '#!/bin/sh' '[ "$1" != online ] || xenstore-write "$XENBUS_PATH/hotplug-status" connected' \
		>/etc/xen/scripts/vif-plain
	chmod +x /etc/xen/scripts/vif-plain
	for n in 0 1 2 3 4 5 6 7 8 9; do
		vifs="$vifs'mac=00:16:3e:00:01:0$n,$( ((n % 2)) && echo script=vif-plain || echo script=vif-vifd)',"
	done
	printf '%s\n' 'name = "p"' 'type = "pv"' 'memory = 160' 'kernel = "/boot/vmlinux"' "vif = [ $vifs ]" >/etc/xen/p.cfg
}

creates()
{
	local round n domid by_vifd

	paused_config
	for ((round = 0; round < BED_CREATES; round++)); do
		xl create -p /etc/xen/p.cfg >/run/xl.out 2>&1 || { say "xl create p: $(head -n 6 /run/xl.out)"; continue; }
		domid=$(guest_domid p)
		by_vifd=$(served "$domid")
		for n in 0 1 2 3 4 5 6 7 8 9; do
			created=$((created + 1))
			is_right "$domid" $n "$( ((n % 2)) && echo netback || echo vifd)" "$by_vifd" || wrong=$((wrong + 1))
		done
		xl destroy p
	done
	say "$created interfaces"
}

attaches()
{
	local script

	for script in vif-bridge vif-vifd; do
		xl network-attach g1 mac=$second script=$script bridge="$([ $script = vif-vifd ] || echo xenbr0)" ||
			say "network-attach failed"
		wait_for 60 "g1's second vif connected" vif_state_is g1 4 1
		look g1 "$([ $script = vif-vifd ] && echo vifd || echo netback)" 1
		if [ $script = vif-bridge ]; then
			on_host_bridge g1 eth1 31
			check_true guest_has_both_kinds reaches g1 10.0.3.1
			check_true module_of_netbacks_guests_stays eval '! modprobe -r xen-netback'
		fi
		xl network-detach g1 1
		wait_for 60 "g1's second vif gone" eval '! vif_key g1 state 1'
	done
}

restarts()
{
	vifd_stop KILL
	vifd_start
	wait_for 60 "g1 on a VF again" vif_path_is g1 vf
	look g1 vifd
	check_true after_a_kill reaches g1 $PEER
}

# new_domain WHAT: g1 is another domain now
new_domain()
{
	wait_for 120 "g1 on a VF after $1" vif_path_is g1 vf
	look g1 vifd
	sleep 1
	check_true "after_$1" reaches g1 $PEER
}

save_and_restore()
{
	xl save g1 /run/g1.save >/run/xl.out 2>&1 && xl restore /run/g1.save >/run/xl.out 2>&1 || say "$(tail -n 2 /run/xl.out)"
	rm -f /run/g1.save
}

new_domains()
{
	guest_reboot g1 || say "g1 did not reboot"
	new_domain reboot
	save_and_restore
	new_domain restore
	migrate g1
	new_domain migration
}

# Nobody serves vifd's interface, and xl says why.
without_vifd()
{
	local device

	vifd_stop
	! xl network-attach g2 mac=$second script=vif-vifd >/run/xl.out 2>&1 || say "network-attach did not fail"
	check_true absent_is_told grep -q "systemctl start vifd" /run/xl.out
	device=$(ls -d $bus/drivers/vif/vif-"$(guest_domid g2)"-1 2>/dev/null)
	check bound_without_vifd "${device:-none}" "== none"
	vifd_start
}

bed_nic_setup
bed_host_bridge
vifd_start
guest_start g1 00:16:3e:00:00:01 script=vif-vifd || die "g1 did not start"
wait_for 120 "g1 on a VF" vif_path_is g1 vf
sleep 1
netback_comes_later
guest_start g2 00:16:3e:00:00:02 script=vif-bridge,bridge=xenbr0 || die "g2 did not start"
on_host_bridge g2 eth0 12
look g2 netback
netback_guest_lives "at first"
guest_run g2 "pingcheck -c 6000 -i 200 10.0.3.1 >/tmp/pings 2>&1 &"
creates
attaches
restarts
[ "$BED_DOMAINS" = no ] || new_domains
without_vifd
# This bed has no systemd and no IOMMU, and nothing else is missing.
check doctor_finds "$(vifctl doctor | tee /results/doctor.txt | awk '/^wrong/ { printf "%s ", $2 }')" "== vifd-absent: iommu: "
check doctor_fine "$(grep -c '^ok' /results/doctor.txt)" ">= 12"
lost=$(guest_run g2 'killall -TERM pingcheck; sleep 1; cat /tmp/pings' | awk '/^sent/ { print $6 + $8 + $10 } ')
check netback_guest_lost "${lost:-unknown}" "== 0"
netback_guest_lives "at the end"
check_true vifd_lives vifd_lives
check mixed_host_creates $created ">= 100"
check mixed_host_wrong_binding $wrong "== 0"
check netback_guests_unharmed "$([ $harmed = 0 ] && [ "$lost" = 0 ] && echo true || echo false)" true
finish
