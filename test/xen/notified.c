/* SPDX-License-Identifier: BSD-3-Clause */
/* notified SOCKET: in place of systemd; prints what a service tells it */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[512];
	ssize_t len;
	int fd;

	if (argc != 2)
		return 2;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(argv[1]);
		return 1;
	}
	while ((len = recv(fd, text, sizeof(text), 0)) >= 0) {
		printf("%.*s\n", (int)len, text);
		fflush(stdout);
	}
	return 1;
}
