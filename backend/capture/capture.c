/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "log.h"
#include "port/offload.h"
#include "path/frame.h"

LOG_TAG("capture");

#define BURST 64u
#define NAME_LEN 32u
#define PAD(len) (((len) + 3u) & ~3u)

/* pcapng: blocks, options and their values */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPTION_END, OPTION_FLAGS = 2, OPTION_NAME = 2, OPTION_RESOLUTION = 9 };
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u
#define NANOSECONDS 9u
#define INBOUND 1u
#define OUTBOUND 2u
/* of a packet block, without the frame: head, flags, end of options, length */
#define PACKET_BLOCK_BYTES (28u + 8u + 4u + 4u)

/*
 * struct capture - control, but: @file, @bytes: the thread, under the lock
 * @sink: NULL = a file
 */
struct capture {
	LIST_ENTRY(capture) link;
	struct tap *tap;
	const struct capture_sink *sink;
	void *arg;
	FILE *file;
	char path[256];
	uint64_t bytes, limit;
};

/*
 * The writing thread
 * @lock: guards @all, @stop and the files
 * @wake: its sleep
 */
static struct {
	pthread_mutex_t lock;
	LIST_HEAD(, capture) all;
	bool stop;
	uint32_t users;
	pthread_t thread;
	struct wake wake;
} writer = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake.fd = -1 };

static void put(struct capture *capture, const void *bytes, size_t len)
{
	capture->bytes += fwrite(bytes, 1, len, capture->file);
}

static void put32(struct capture *capture, uint32_t value)
{
	put(capture, &value, sizeof(value));
}

static void put_option(struct capture *capture, uint16_t code, const void *value, uint16_t len)
{
	static const uint8_t zero[4];

	put(capture, &code, sizeof(code));
	put(capture, &len, sizeof(len));
	put(capture, value, len);
	put(capture, zero, PAD(len) - len);
}

static void put_head(struct capture *capture, const char *name)
{
	uint16_t name_len = (uint16_t)strnlen(name, NAME_LEN);
	uint32_t interface_len = 16 + 4 + PAD(name_len) + 8 + 4 + 4;
	const uint16_t version[] = { 1, 0 };
	const uint8_t resolution = NANOSECONDS;

	put32(capture, BLOCK_SECTION);
	put32(capture, 28);
	put32(capture, BYTE_ORDER_MAGIC);
	put(capture, version, sizeof(version));
	put32(capture, UINT32_MAX); /* the length of the section is not known */
	put32(capture, UINT32_MAX);
	put32(capture, 28);

	put32(capture, BLOCK_INTERFACE);
	put32(capture, interface_len);
	put32(capture, LINKTYPE_ETHERNET);
	put32(capture, 0);
	put_option(capture, OPTION_NAME, name, name_len);
	put_option(capture, OPTION_RESOLUTION, &resolution, 1);
	put32(capture, OPTION_END);
	put32(capture, interface_len);
}

static void put_frame(struct capture *capture, const struct rte_mbuf *frame)
{
	uint32_t len = PACKET_BLOCK_BYTES + PAD(frame->pkt_len);
	uint32_t flags = frame->port == MIRROR_TX ? OUTBOUND : INBOUND;
	static const uint8_t zero[4];
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	put32(capture, BLOCK_PACKET);
	put32(capture, len);
	put32(capture, 0);
	put32(capture, (uint32_t)(ns >> 32));
	put32(capture, (uint32_t)ns);
	put32(capture, frame->pkt_len);
	put32(capture, frame->pkt_len);
	for (const struct rte_mbuf *seg = frame; seg; seg = seg->next)
		put(capture, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
	put(capture, zero, PAD(frame->pkt_len) - frame->pkt_len);
	put_option(capture, OPTION_FLAGS, &flags, sizeof(flags));
	put32(capture, OPTION_END);
	put32(capture, len);
}

static void end(struct capture *capture, const char *why)
{
	atomic_store(&capture->tap->wake, NULL);
	if (fclose(capture->file))
		why = strerror(errno);
	capture->file = NULL;
	if (why)
		log_warn("%s ends after %llu bytes: %s", capture->path,
			 (unsigned long long)capture->bytes, why);
}

static void take_frame(struct capture *capture, struct rte_mbuf *frame)
{
	uint64_t after = capture->bytes + PACKET_BLOCK_BYTES + PAD(frame->pkt_len);

	/* a frame that is to be segmented is written as the guest made it */
	if (frame_csum_pending(frame) && !(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		offload_checksum(frame);
	if (capture->sink) {
		capture->sink->put(capture->arg, frame);
		return;
	}
	if (capture->file && after > capture->limit)
		end(capture, "its limit has been reached");
	if (!capture->file)
		return;
	put_frame(capture, frame);
	if (ferror(capture->file))
		end(capture, "it cannot be written");
}

/* With the lock. Return: frames written */
static uint32_t drain(struct capture *capture)
{
	struct rte_mbuf *frames[BURST];
	uint32_t nr = tap_take(capture->tap, frames, BURST);

	for (uint32_t i = 0; i < nr; i++)
		take_frame(capture, frames[i]);
	rte_pktmbuf_free_bulk(frames, nr);
	if (nr && capture->sink)
		capture->sink->flush(capture->arg);
	return nr;
}

/* Return: frames written; whether to stop in *@stop */
static uint32_t drain_all(bool *stop)
{
	struct capture *capture;
	uint32_t nr = 0;

	pthread_mutex_lock(&writer.lock);
	LIST_FOREACH (capture, &writer.all, link) {
		uint32_t wrote = drain(capture);

		if (!wrote && capture->file)
			fflush(capture->file);
		nr += wrote;
	}
	*stop = writer.stop;
	pthread_mutex_unlock(&writer.lock);
	return nr;
}

static void *writer_main(void *arg)
{
	bool stop = false;
	uint64_t count;

	(void)arg;
	while (!stop) {
		if (drain_all(&stop) || stop)
			continue;
		/* say that we sleep, then look once more (wake.h) */
		atomic_store(&writer.wake.asleep, true);
		if (!drain_all(&stop) && !stop)
			(void)!read(writer.wake.fd, &count, sizeof(count));
		atomic_store(&writer.wake.asleep, false);
	}
	return NULL;
}

static int start_writer(void)
{
	int ret;

	if (writer.users++)
		return 0;
	writer.stop = false;
	writer.wake.fd = eventfd(0, EFD_CLOEXEC);
	if (writer.wake.fd < 0) {
		writer.users = 0;
		return -errno;
	}
	ret = thread_start(&writer.thread, "vifd-capture", writer_main, NULL);
	if (ret) {
		close(writer.wake.fd);
		writer.users = 0;
	}
	return ret;
}

static void stop_writer(void)
{
	if (--writer.users)
		return;
	pthread_mutex_lock(&writer.lock);
	writer.stop = true;
	pthread_mutex_unlock(&writer.lock);
	wake_worker(&writer.wake);
	pthread_join(writer.thread, NULL);
	close(writer.wake.fd);
}

/* Return: stream, NULL with errno */
static FILE *create_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

static void begin(struct capture *capture)
{
	pthread_mutex_lock(&writer.lock);
	LIST_INSERT_HEAD(&writer.all, capture, link);
	pthread_mutex_unlock(&writer.lock);
	atomic_store(&capture->tap->wake, &writer.wake);
}

/* Return: NULL, with errno */
static struct capture *give_up(struct capture *capture, int error)
{
	if (capture->file)
		fclose(capture->file);
	tap_destroy(capture->tap);
	free(capture);
	errno = error;
	return NULL;
}

struct capture *capture_open(const char *path, const char *name, uint64_t limit)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int error;

	if (!capture)
		return NULL;
	snprintf(capture->path, sizeof(capture->path), "%s", path);
	capture->limit = limit;
	capture->tap = tap_create();
	if (capture->tap)
		capture->file = create_file(path);
	error = capture->file ? -start_writer() : errno;
	if (error)
		return give_up(capture, error);
	put_head(capture, name);
	begin(capture);
	return capture;
}

struct capture *capture_to(const struct capture_sink *sink, void *arg)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int error;

	if (!capture)
		return NULL;
	capture->sink = sink;
	capture->arg = arg;
	capture->tap = tap_create();
	error = capture->tap ? -start_writer() : errno;
	if (error)
		return give_up(capture, error);
	begin(capture);
	return capture;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	pthread_mutex_lock(&writer.lock);
	LIST_REMOVE(capture, link);
	while (drain(capture))
		;
	if (capture->file)
		end(capture, NULL);
	pthread_mutex_unlock(&writer.lock);
	stop_writer();
	tap_destroy(capture->tap);
	free(capture);
}

struct tap *capture_tap(struct capture *capture)
{
	return capture->tap;
}
