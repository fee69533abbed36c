# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifd's file is replaced while guests are connected, and vifd started again as a package does; test/deb calls it

# SIM_UPGRADE is the command that replaces the file; without one the file stays.
vifd_start
for guest in a b c; do
	guest_create $guest
	guest_start $guest || die "guest $guest did not connect"
done
before=$(stat -L -c %i "/proc/$vifd_pid/exe")
ping_lost a b 300 >"$VIFD_SIM/lost" &
pings=$!
sleep 1
check_true "the file is replaced" sh -c "${SIM_UPGRADE:-true}"
check_true "vifd lives meanwhile" vifd_lives
# what the package has systemd do
vifd_stop && status=0 || status=$?
check "its exit status" $status "== 0"
vifd_start
[ -z "${SIM_UPGRADE:-}" ] || check_true "it is the new file" [ "$(stat -L -c %i "/proc/$vifd_pid/exe")" != "$before" ]
lost=0
for guest in a b c; do
	[ "$(ping_lost host $guest 5)" = 0 ] || lost=$((lost + 1))
done
check deb_upgrade_guests_lost $lost "== 0" guests
wait $pings
check "pings lost over the upgrade, of 300" "$(cat "$VIFD_SIM/lost")" "<= 150"
vifd_stop || true
