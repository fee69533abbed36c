#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The models of the sleep handshakes, searched in whole.
exec "$(dirname "$0")/../model/run"
