/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is left of root's power once vifd runs: a few capabilities and a few
 * system calls. Everything else is refused with EPERM, to every thread.
 *
 * Each file that needs a call beyond the libraries' own says so beside it, with
 * SYSCALLS(); privileges.c gathers those and adds what the libraries need.
 * Not protected against: what the allowed calls can do to the devices that are
 * open, above all the hypercalls behind /dev/xen.
 */
#ifndef VIFD_PRIVILEGES_H
#define VIFD_PRIVILEGES_H

/** SYSCALLS() - Name the system calls that this file makes after the start; once a file */
#define SYSCALLS(...)                                                                              \
	static const char *file_syscalls[]                                                         \
		__attribute__((section("vifd_syscalls"), used)) = { __VA_ARGS__ }

/**
 * privileges_drop() - Keep the capabilities that are needed, for ever
 *
 * Main thread, before there are others (they inherit). Logs what fails.
 * Return: 0, -errno
 */
int privileges_drop(void);

/**
 * privileges_confine() - Allow the gathered system calls, for ever, to every thread
 *
 * Main thread, once everything has been started. Logs what fails.
 * Return: 0, -errno
 */
int privileges_confine(void);

#endif
