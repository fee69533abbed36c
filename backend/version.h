/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VIFD_VERSION_H
#define VIFD_VERSION_H

#define VIFD_VERSION "0.1"

#endif
