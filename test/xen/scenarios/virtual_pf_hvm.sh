#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The short form of virtual_pf with an HVM guest.
# wants hvm
VPF_TYPE=hvm VPF_SHORT=yes
. /bed/scenarios/virtual_pf.sh
