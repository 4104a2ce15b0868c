/* Reads the frames of a running camgraph site, in place, from C11 or C++17. Header only; Linux, glibc.
 *
 *     cg_ring_request request = cg_ring_request_for("door");
 *     cg_ring_reader reader;
 *     cg_ring_frame frame;
 *     if (cg_ring_open(&reader, "my-site", &request) < 0)
 *         return fprintf(stderr, "%s\n", cg_ring_error(&reader)), 1;
 *     for (;;) {
 *         int result = cg_ring_read(&reader, &frame, 1000);
 *         if (result == -ETIMEDOUT || result == -EINTR)
 *             continue;
 *         if (result < 0)
 *             break;
 *         look_at(frame.plane[0].data, frame.plane[0].stride, frame.width, frame.height);
 *         cg_ring_release(&frame);
 *     }
 *     fprintf(stderr, "%s\n", cg_ring_error(&reader));
 *     cg_ring_close(&reader);
 *
 * A frame is a lease: nothing overwrites it until it is released. Who is slow or dies delays nobody. When
 * the media process dies the reader connects again by itself, and goes on with a grown `epoch`; when the
 * picture's size changes, with a grown `generation`.
 *
 * Results are 0, or a negative errno, and `cg_ring_error` tells the rest in a sentence:
 *
 *     -EAGAIN        there is no frame now
 *     -ETIMEDOUT     none came in time                  -EINTR     a signal came first: call again
 *     -ENOBUFS       as many frames are held as were granted: release one
 *     -ECONNREFUSED  no such site, or it has ended      -EPERM     the site refused; the sentence is its own
 *     -EACCES        the site is another user's         -EPROTO    what came can't be read by this version
 *     -EINVAL, -ENAMETOOLONG, -EBADF (closed), -ECHILD (belongs to the process forked from); what the
 *     system said when memory or descriptors ran out
 *
 * All but the first four are final: close the reader. One thread at a time may use a reader; frames may be
 * released in any thread, and after the reader was closed. There are no threads, and one allocation per
 * generation. Three descriptors per reader, all close-on-exec, a fourth while it waits to connect again.
 *
 * Layout and order of operations: docs/design/frame-ring.md, camgraph/ring/layout.py and protocol.py.
 */
#ifndef CAMGRAPH_RING_H
#define CAMGRAPH_RING_H

#ifndef _GNU_SOURCE
#ifdef _FEATURES_H
#error "include camgraph_ring.h before the system's headers, or define _GNU_SOURCE"
#endif
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a ring is little-endian"
#endif

#ifdef __cplusplus
#define CG_RING__ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define CG_RING__ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* ------------------------------------------------------------------------------- what lies in a ring */

#define CG_RING_MAGIC "CAMGRNG1"
#define CG_RING_VERSION 1u
#define CG_RING_KNOWN_FEATURES 0u /* bits of `features`; a ring with others is refused */
#define CG_RING_TOUCHED_OFFSET 88u
#define CG_RING_NEWEST_OFFSET 128u
#define CG_RING_NEWEST_SLOT_BITS 16
#define CG_RING_NO_PTS INT64_MIN

/* Bits of `flags`. */
#define CG_RING_KEYFRAME 1u   /* coded without reference to others */
#define CG_RING_CORRUPT 2u    /* the decoder met damage */
#define CG_RING_INTERLACED 4u /* the picture consists of two fields */

/* `pixel_format`, and the format of a request. Items are no pictures but bytes, each time another number of
 * them: one plane, height 1. */
enum {
    CG_RING_AS_SENT = 0, /* of a request only: as the camera sends it */
    CG_RING_YUV420P = 1,
    CG_RING_NV12 = 2,
    CG_RING_BGR24 = 3,
    CG_RING_RGB24 = 4,
    CG_RING_BGRA = 5,
    CG_RING_GRAY8 = 6,
    CG_RING_BYTES = 32, /* items: any bytes */
    CG_RING_NAL = 33,   /* items: a NAL unit, with its start code */
    CG_RING_FMP4 = 34   /* items: a box of a fragmented MP4 file */
};

/* `capture_quality`: where `capture_ns` comes from. */
enum { CG_RING_QUALITY_NONE = 0, CG_RING_QUALITY_ARRIVAL = 1, CG_RING_QUALITY_RTCP = 2 };

/* `colour_range`: 16 to 235, or 0 to 255. */
enum { CG_RING_RANGE_TV = 1, CG_RING_RANGE_PC = 2 };

/* `colour_matrix`: the numbers of ITU-T H.273. */
enum {
    CG_RING_MATRIX_RGB = 0,
    CG_RING_MATRIX_BT709 = 1,
    CG_RING_MATRIX_UNSPECIFIED = 2,
    CG_RING_MATRIX_BT470BG = 5,
    CG_RING_MATRIX_SMPTE170M = 6,
    CG_RING_MATRIX_BT2020NC = 9
};

/* The beginning of a ring: it tells where all else lies. */
typedef struct cg_ring_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t features;
    uint32_t generation;
    uint32_t slots;
    uint32_t slot_header_offset;
    uint32_t slot_header_bytes;
    uint32_t lock_stride;
    uint32_t reserved;
    uint64_t epoch;
    uint64_t payload_offset;
    uint64_t slot_stride;
    uint64_t capacity;
    uint8_t uuid[16];
} cg_ring_header;

/* What stands of a frame at slot_header_offset + slot * slot_header_bytes; reserved bytes follow. */
typedef struct cg_ring_slot_header {
    uint64_t seq; /* 0: nothing whole */
    uint64_t codec_generation;
    int64_t pts;        /* CG_RING_NO_PTS: none */
    int64_t capture_ns; /* wall clock */
    int64_t arrival_ns; /* CLOCK_MONOTONIC */
    int64_t publish_ns; /* CLOCK_MONOTONIC */
    uint32_t capture_quality;
    uint32_t time_base_num;
    uint32_t time_base_den;
    uint32_t aspect_num;
    uint32_t aspect_den;
    uint32_t colour_matrix;
    uint32_t colour_range;
    uint16_t flags;
    uint16_t tag; /* a number of the publishing program's own */
    uint64_t epoch;
    uint64_t length; /* bytes of the picture */
    uint32_t width;
    uint32_t height;
    uint32_t pixel_format;
    uint32_t planes;
    uint64_t plane_offset[4]; /* from the beginning of the payload */
    uint32_t plane_stride[4];
} cg_ring_slot_header;

CG_RING__ASSERT(sizeof(cg_ring_header) == 88, "no padding");
CG_RING__ASSERT(sizeof(cg_ring_slot_header) == 160, "no padding");

/* -------------------------------------------------------------------- the datagrams to and from a site */

#define CG_RING_PROTOCOL_VERSION 2u
#define CG_RING_MAX_DATAGRAM_BYTES 2048
#define CG_RING_MAX_LEASES 64

enum { CG_RING_HELLO = 1, CG_RING_RING = 2, CG_RING_FRAME = 3, CG_RING_REFUSED = 4 };

typedef struct cg_ring_hello {
    uint32_t kind;
    uint32_t version;
    uint32_t leases;
    uint32_t format;
    uint32_t width;
    uint32_t height;
    double fps;
    uint32_t roi[4];
    uint32_t name_bytes; /* the stream's name follows, in UTF-8 */
    uint32_t reserved;
} cg_ring_hello;

/* Two descriptors come along: one to map, one to lock with. */
typedef struct cg_ring_grant {
    uint32_t kind;
    uint32_t reader_id;
    uint32_t generation;
    uint32_t lease_limit;
    uint32_t lock_stride;
    uint32_t reserved;
    uint64_t epoch;
    uint64_t size;
    uint64_t next_seq;
    uint8_t uuid[16];
} cg_ring_grant;

typedef struct cg_ring_notice {
    uint32_t kind;
    uint32_t slot;
    uint32_t generation;
    uint32_t reserved;
    uint64_t seq;
} cg_ring_notice;

typedef struct cg_ring_refusal {
    uint32_t kind;
    uint32_t text_bytes; /* the text follows, in UTF-8 */
} cg_ring_refusal;

CG_RING__ASSERT(sizeof(cg_ring_hello) == 56, "no padding");
CG_RING__ASSERT(sizeof(cg_ring_grant) == 64, "no padding");
CG_RING__ASSERT(sizeof(cg_ring_notice) == 24, "no padding");
CG_RING__ASSERT(sizeof(cg_ring_refusal) == 8, "no padding");

/* -------------------------------------------------------------------------------------- what you use */

enum {
    CG_RING_LATEST = 0, /* the newest frame; older ones are skipped, and counted */
    CG_RING_EVERY = 1   /* all in order, as far as the ring holds them */
};

/* What to read. Make it with cg_ring_request_for, then change what you want. */
typedef struct cg_ring_request {
    const char *stream; /* UTF-8; copied by cg_ring_open */
    uint32_t policy;    /* CG_RING_LATEST or CG_RING_EVERY */
    uint32_t leases;    /* frames held at a time, 1 to CG_RING_MAX_LEASES */
    uint32_t format;    /* CG_RING_AS_SENT, CG_RING_BGR24, … */
    uint32_t width;     /* px; both 0: as the camera sends it, or as large as the region */
    uint32_t height;
    double fps;      /* 0: all frames */
    uint32_t roi[4]; /* x, y, width, height in px of the camera's picture; all 0: the whole of it */
} cg_ring_request;

typedef struct cg_ring_plane {
    const uint8_t *data; /* `height` rows of `width` pixels of `channels` bytes, `stride` bytes apart */
    uint32_t stride;
    uint32_t width;
    uint32_t height;
    uint32_t channels;
} cg_ring_plane;

/* One generation of a ring, as it is mapped. Of no concern to users. */
typedef struct cg_ring__memory {
    struct cg_ring__memory *next;
    const unsigned char *address;
    uint64_t size;
    cg_ring_header header;
    unsigned char *held; /* one per slot, 1: leased */
    uint32_t reader_id;
    uint32_t limit;
    uint32_t references; /* the reader's, and one per frame */
    int lock_descriptor;
    pid_t owner;
} cg_ring__memory;

/* A picture, in place. It may be moved, but only one copy of it may be released. Which picture of the camera
 * it is, is told by `epoch`, `arrival_ns` and `pts`: they are the same in all rings of the stream, as
 * `Frame.key` in Python. */
typedef struct cg_ring_frame {
    uint64_t seq;        /* counts up by one per frame published */
    uint64_t epoch;      /* grows when a media process was started again */
    uint32_t generation; /* grows when the geometry changes */
    uint32_t flags;      /* CG_RING_KEYFRAME | … */
    uint32_t tag;        /* the number that the publishing program has given it */
    uint64_t codec_generation;
    int64_t pts;        /* in time bases; CG_RING_NO_PTS: none */
    int64_t capture_ns; /* wall clock; see capture_quality */
    int64_t arrival_ns; /* CLOCK_MONOTONIC: when the packet came */
    int64_t publish_ns; /* CLOCK_MONOTONIC: when the frame was put into the ring */
    uint32_t capture_quality;
    uint32_t time_base_num;
    uint32_t time_base_den;
    uint32_t aspect_num;
    uint32_t aspect_den;
    uint32_t colour_matrix;
    uint32_t colour_range;
    uint32_t pixel_format;
    uint32_t width;
    uint32_t height;
    uint32_t planes;
    cg_ring_plane plane[4];
    const uint8_t *data; /* all planes, `length` bytes */
    uint64_t length;
    cg_ring__memory *ring_; /* NULL: released */
    uint32_t slot_;
} cg_ring_frame;

/* Counts since the reader was opened: what became of each frame published while it was connected. */
typedef struct cg_ring_statistics {
    uint64_t received;
    uint64_t late;    /* announced, and overwritten before this reader came for it */
    uint64_t behind;  /* never announced: this reader's socket was full, or the ring had no free slot */
    uint64_t skipped; /* passed over for a newer one, by CG_RING_LATEST */
    uint64_t reconnects;
    uint64_t held; /* frames that are not released, of earlier generations too */
    uint64_t epoch;
    uint32_t generation;
} cg_ring_statistics;

/* Memory for it is yours, and must not be moved or copied; what is in it is of no concern to users. */
typedef struct cg_ring_reader {
    struct sockaddr_un address;
    socklen_t address_bytes;
    unsigned char greeting[CG_RING_MAX_DATAGRAM_BYTES];
    size_t greeting_bytes;
    int latest;
    pid_t owner;
    int epoll;
    int socket;
    int alarm;
    unsigned mute; /* connections in a row that ended without a word */
    int failure;
    cg_ring__memory *ring;
    cg_ring__memory *retired;
    uint64_t adopted; /* how many rings have come */
    int fresh_connection;
    int drained;
    uint64_t seq; /* what became of frames up to here has been counted */
    cg_ring_statistics counts;
    char error[1280];
} cg_ring_reader;

static inline cg_ring_request cg_ring_request_for(const char *stream);
static inline int cg_ring_open(cg_ring_reader *reader, const char *site, const cg_ring_request *request);
static inline int cg_ring_descriptor(const cg_ring_reader *reader);
static inline int cg_ring_read_nowait(cg_ring_reader *reader, cg_ring_frame *frame);
static inline int cg_ring_read(cg_ring_reader *reader, cg_ring_frame *frame, int timeout_ms);
static inline void cg_ring_release(cg_ring_frame *frame);
static inline cg_ring_statistics cg_ring_statistics_of(cg_ring_reader *reader);
static inline const char *cg_ring_error(const cg_ring_reader *reader);
static inline void cg_ring_close(cg_ring_reader *reader);

/* ------------------------------------------------------------------------------------- how it is done */

/* Keep a sentence; return the error as the result. */
__attribute__((format(printf, 3, 4))) static inline int cg_ring__fail(cg_ring_reader *reader, int number,
                                                                      const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->error, sizeof reader->error, format, arguments);
    va_end(arguments);
    return -number;
}

static inline int64_t cg_ring__now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int cg_ring__lock(int descriptor, short kind, uint64_t at) {
    struct flock record;
    memset(&record, 0, sizeof record); /* l_pid must be 0 */
    record.l_type = kind;
    record.l_whence = SEEK_SET;
    record.l_start = (off_t)at;
    record.l_len = 1;
    return fcntl(descriptor, F_OFD_SETLK, &record) < 0 ? -errno : 0;
}

/* ---- memory */

static inline void cg_ring__drop(cg_ring__memory *ring) {
    if (__atomic_sub_fetch(&ring->references, 1, __ATOMIC_ACQ_REL) == 0) {
        (void)munmap((void *)(uintptr_t)ring->address, (size_t)ring->size);
        (void)close(ring->lock_descriptor);
        free(ring);
    }
}

static inline uint32_t cg_ring__held(const cg_ring__memory *ring) {
    return __atomic_load_n(&ring->references, __ATOMIC_ACQUIRE) - 1;
}

/* Let go of retired generations of which no frame is held. */
static inline void cg_ring__reap(cg_ring_reader *reader) {
    cg_ring__memory **link = &reader->retired;
    while (*link != NULL) {
        cg_ring__memory *ring = *link;
        if (cg_ring__held(ring) == 0) {
            *link = ring->next;
            cg_ring__drop(ring);
        } else {
            link = &ring->next;
        }
    }
}

static inline void cg_ring__retire(cg_ring_reader *reader) {
    cg_ring__memory *ring = reader->ring;
    reader->ring = NULL;
    if (ring != NULL) {
        ring->next = reader->retired;
        reader->retired = ring;
        cg_ring__reap(reader);
    }
}

static inline uint64_t cg_ring__word(const cg_ring__memory *ring, uint64_t offset) {
    const void *word = ring->address + offset;
    return __atomic_load_n((const uint64_t *)word, __ATOMIC_ACQUIRE);
}

static inline uint64_t cg_ring__newest(const cg_ring__memory *ring) {
    return cg_ring__word(ring, CG_RING_NEWEST_OFFSET);
}

static inline int cg_ring__check_header(cg_ring_reader *reader, const cg_ring_header *header, uint64_t size) {
    uint64_t headers_end;
    if (memcmp(header->magic, CG_RING_MAGIC, sizeof header->magic) != 0)
        return cg_ring__fail(reader, EPROTO, "the memory that came is not a camgraph ring");
    if (header->version != CG_RING_VERSION || (header->features & ~CG_RING_KNOWN_FEATURES) != 0)
        return cg_ring__fail(reader, EPROTO,
                             "the ring has version %u and features %#x; this program reads version %u and "
                             "features %#x",
                             (unsigned)header->version, (unsigned)header->features, CG_RING_VERSION,
                             CG_RING_KNOWN_FEATURES);
    headers_end = header->slot_header_offset + (uint64_t)header->slots * header->slot_header_bytes;
    if (header->slots == 0 || header->slots > 1u << CG_RING_NEWEST_SLOT_BITS ||
        header->slot_header_bytes < sizeof(cg_ring_slot_header) || headers_end > header->payload_offset ||
        header->capacity > header->slot_stride || header->payload_offset > size ||
        header->slot_stride > (size - header->payload_offset) / header->slots)
        return cg_ring__fail(reader, EPROTO, "the ring's header contradicts the ring's size");
    return 0;
}

/* Map a ring; takes both descriptors, on failure too. */
static inline int cg_ring__map(cg_ring_reader *reader, const cg_ring_grant *grant, int to_map, int to_lock,
                               cg_ring__memory **made) {
    const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int seals = fcntl(to_map, F_GET_SEALS), result;
    struct stat status;
    void *address;
    cg_ring_header header;
    cg_ring__memory *ring;
    /* What could shrink under us would be a SIGBUS. */
    if (seals < 0 || (seals & needed) != needed || fstat(to_map, &status) < 0 ||
        (uint64_t)status.st_size < grant->size || grant->size < CG_RING_NEWEST_OFFSET + sizeof(uint64_t)) {
        (void)close(to_map);
        (void)close(to_lock);
        return cg_ring__fail(reader, EPROTO, "the memory that came for the ring is not sealed");
    }
    address = mmap(NULL, (size_t)grant->size, PROT_READ, MAP_SHARED, to_map, 0);
    result = errno;
    (void)close(to_map);
    if (address == MAP_FAILED) {
        (void)close(to_lock);
        return cg_ring__fail(reader, result, "%llu bytes of a ring can't be mapped: %s",
                             (unsigned long long)grant->size, strerror(result));
    }
    memcpy(&header, address, sizeof header);
    result = cg_ring__check_header(reader, &header, grant->size);
    if (result == 0 && memcmp(header.uuid, grant->uuid, sizeof header.uuid) != 0)
        result = cg_ring__fail(reader, EPROTO, "the memory that came is another ring's");
    if (result == 0 && grant->reader_id >= header.lock_stride)
        result = cg_ring__fail(reader, EPROTO, "the ring has no locks for this reader");
    ring = result < 0 ? NULL : (cg_ring__memory *)calloc(1, sizeof *ring + header.slots);
    if (ring == NULL) {
        (void)munmap(address, (size_t)grant->size);
        (void)close(to_lock);
        return result < 0 ? result : cg_ring__fail(reader, ENOMEM, "there is no memory for a ring");
    }
    ring->address = (const unsigned char *)address;
    ring->size = grant->size;
    ring->header = header;
    ring->held = (unsigned char *)(ring + 1);
    ring->reader_id = grant->reader_id;
    ring->limit = grant->lease_limit;
    ring->references = 1;
    ring->lock_descriptor = to_lock;
    ring->owner = reader->owner;
    *made = ring;
    return 0;
}

/* ---- connection */

static inline int cg_ring__connect(cg_ring_reader *reader) {
    const int64_t deadline = cg_ring__now_ms() + 2000;
    const char *site = strchr(strchr(reader->address.sun_path + 1, '-') + 1, '-') + 1;
    struct timeval patience = {2, 0};
    struct ucred peer;
    socklen_t peer_bytes = sizeof peer;
    int number, sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return cg_ring__fail(reader, errno, "a socket can't be made: %s", strerror(errno));
    /* A site that does not accept would keep `connect` waiting. */
    number = setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ? errno : 0;
    while (number == 0 &&
           connect(sock, (const struct sockaddr *)&reader->address, reader->address_bytes) < 0) {
        if (errno != EINTR || cg_ring__now_ms() > deadline)
            number = errno;
    }
    if (number == 0 && getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) < 0)
        number = errno;
    if (number == 0 && fcntl(sock, F_SETFL, O_NONBLOCK) < 0)
        number = errno;
    if (number != 0) {
        (void)close(sock);
        if (number == ECONNREFUSED)
            return cg_ring__fail(reader, number,
                                 "no site named '%s' runs on this machine for this user: is the name right, "
                                 "was it closed?",
                                 site);
        return cg_ring__fail(reader, ECONNREFUSED, "site '%s' does not answer: %s", site, strerror(number));
    }
    if (peer.uid != getuid()) {
        (void)close(sock);
        return cg_ring__fail(reader, EACCES, "process %d belongs to user %u; only user %u may connect",
                             (int)peer.pid, (unsigned)peer.uid, (unsigned)getuid());
    }
    if (send(sock, reader->greeting, reader->greeting_bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
        errno != ECONNRESET) {
        number = errno;
        (void)close(sock);
        return cg_ring__fail(reader, ECONNREFUSED, "the ring's connection can't be used: %s",
                             strerror(number));
    }
    return sock;
}

static inline int cg_ring__watch(cg_ring_reader *reader, int descriptor) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    return epoll_ctl(reader->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0
               ? cg_ring__fail(reader, errno, "a descriptor can't be waited for: %s", strerror(errno))
               : 0;
}

static inline void cg_ring__drop_socket(cg_ring_reader *reader) {
    if (reader->socket >= 0) {
        /* Not left to close: a child forked meanwhile would keep the registration alive. */
        if (reader->owner == getpid())
            (void)epoll_ctl(reader->epoll, EPOLL_CTL_DEL, reader->socket, NULL);
        (void)close(reader->socket);
        reader->socket = -1;
    }
}

/* Make another connection. When that fails the old socket stays, readable for ever: who selects learns. */
static inline int cg_ring__replace(cg_ring_reader *reader) {
    int result, sock = cg_ring__connect(reader);
    if (sock < 0)
        return sock;
    result = cg_ring__watch(reader, sock);
    if (result < 0) {
        (void)close(sock);
        return result;
    }
    cg_ring__drop_socket(reader);
    reader->socket = sock;
    reader->counts.reconnects++;
    return 0;
}

static inline int cg_ring__ring_after(cg_ring_reader *reader, long delay_ms) {
    struct itimerspec when;
    memset(&when, 0, sizeof when);
    when.it_value.tv_sec = delay_ms / 1000;
    when.it_value.tv_nsec = delay_ms % 1000 * 1000000 + 1;
    if (reader->alarm < 0) {
        int result, alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (alarm < 0)
            return cg_ring__fail(reader, errno, "a timer can't be made: %s", strerror(errno));
        result = cg_ring__watch(reader, alarm);
        if (result < 0) {
            (void)close(alarm);
            return result;
        }
        reader->alarm = alarm;
    }
    (void)timerfd_settime(reader->alarm, 0, &when, NULL);
    return 0;
}

static inline int cg_ring__retry(cg_ring_reader *reader) {
    static const int delays_ms[] = {0, 50, 100, 200, 400, 800};
    int result, delay_ms = delays_ms[reader->mute < 5 ? reader->mute : 5];
    reader->mute++;
    if (delay_ms == 0)
        return cg_ring__replace(reader);
    result = cg_ring__ring_after(reader, delay_ms);
    if (result == 0)
        cg_ring__drop_socket(reader);
    return result;
}

typedef struct cg_ring__datagram {
    union {
        uint32_t kind;
        cg_ring_grant grant;
        cg_ring_notice notice;
        cg_ring_refusal refusal;
        unsigned char bytes[CG_RING_MAX_DATAGRAM_BYTES];
    } as;
    size_t size; /* 0: the connection ended; the next one is being made */
    int descriptors[8];
    size_t count;
} cg_ring__datagram;

static inline void cg_ring__close_all(cg_ring__datagram *datagram) {
    while (datagram->count > 0)
        (void)close(datagram->descriptors[--datagram->count]);
}

/* Receive a datagram and its descriptors, which the caller owns; -EAGAIN: there is none now. */
static inline int cg_ring__receive(cg_ring_reader *reader, cg_ring__datagram *datagram) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec part;
    struct msghdr message;
    struct cmsghdr *cmsg;
    ssize_t size;
    int tries;
    datagram->size = datagram->count = 0;
    if (reader->socket < 0) {
        uint64_t times;
        if (read(reader->alarm, &times, sizeof times) == (ssize_t)sizeof times) {
            int result = cg_ring__replace(reader);
            if (result < 0) {
                (void)cg_ring__ring_after(reader, 0);
                return result;
            }
        }
        return -EAGAIN;
    }
    /* ECONNRESET is said once, when the other side left without reading all; its last words come after it. */
    for (tries = 0; tries < 2; tries++) {
        memset(&message, 0, sizeof message);
        part.iov_base = datagram->as.bytes;
        part.iov_len = sizeof datagram->as.bytes;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        size = recvmsg(reader->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (size >= 0 || errno != ECONNRESET)
            break;
    }
    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR
                   ? -EAGAIN
                   : cg_ring__fail(reader, errno, "the ring's connection can't be used: %s", strerror(errno));
    for (cmsg = CMSG_FIRSTHDR(&message); cmsg != NULL; cmsg = CMSG_NXTHDR(&message, cmsg)) {
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
            size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(datagram->descriptors + datagram->count, CMSG_DATA(cmsg), count * sizeof(int));
            datagram->count += count;
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        cg_ring__close_all(datagram);
        return cg_ring__fail(reader, EPROTO, "a datagram or its descriptors were cut short");
    }
    datagram->size = (size_t)size;
    if (size == 0) {
        cg_ring__close_all(datagram);
        return cg_ring__retry(reader);
    }
    reader->mute = 0;
    return 0;
}

/* ---- frames */

/* Count what was lost before frame `seq`; 0: it has been counted itself. */
static inline int cg_ring__count(cg_ring_reader *reader, uint64_t seq) {
    if (seq <= reader->seq)
        return 0;
    reader->counts.behind += seq - reader->seq - 1;
    reader->seq = seq;
    return 1;
}

static inline int cg_ring__adopt(cg_ring_reader *reader, cg_ring__datagram *datagram) {
    cg_ring_grant grant = datagram->as.grant;
    int result;
    cg_ring__retire(reader);
    if (datagram->count != 2) {
        cg_ring__close_all(datagram);
        return cg_ring__fail(reader, EPROTO, "a ring came without its descriptors");
    }
    datagram->count = 0;
    result =
        cg_ring__map(reader, &grant, datagram->descriptors[0], datagram->descriptors[1], &reader->ring);
    if (result < 0)
        return result;
    reader->adopted++;
    if (reader->fresh_connection) {
        reader->fresh_connection = 0;
        reader->seq = grant.next_seq - 1;
    }
    reader->counts.epoch = grant.epoch;
    reader->counts.generation = grant.generation;
    return 0;
}

static inline int cg_ring__answer(cg_ring_reader *reader, cg_ring__datagram *datagram) {
    size_t size = datagram->size, kind = size >= sizeof(uint32_t) ? datagram->as.kind : 0;
    if (kind == CG_RING_RING && size == sizeof(cg_ring_grant))
        return cg_ring__adopt(reader, datagram);
    cg_ring__close_all(datagram);
    if (kind == CG_RING_REFUSED && size >= sizeof(cg_ring_refusal))
        return cg_ring__fail(reader, EPERM, "%.*s", (int)(size - sizeof(cg_ring_refusal)),
                             (const char *)datagram->as.bytes + sizeof(cg_ring_refusal));
    if (kind == CG_RING_FRAME && size == sizeof(cg_ring_notice))
        return 0; /* with descriptors, which nobody sends */
    if (kind >= CG_RING_RING && kind <= CG_RING_REFUSED)
        return cg_ring__fail(reader, EPROTO, "a damaged datagram of %zu bytes came from the ring's writer",
                             size);
    return cg_ring__fail(reader, EPROTO, "a datagram of unknown kind %zu came from the ring's writer", kind);
}

/* Receive the next notice of a frame; what else comes is dealt with here. -EAGAIN: there is none now. */
static inline int cg_ring__notice(cg_ring_reader *reader, cg_ring_notice *notice) {
    cg_ring__datagram datagram;
    int result;
    while ((result = cg_ring__receive(reader, &datagram)) == 0) {
        if (datagram.size == sizeof *notice && datagram.count == 0 && datagram.as.kind == CG_RING_FRAME) {
            if (reader->ring != NULL && datagram.as.notice.generation == reader->counts.generation) {
                *notice = datagram.as.notice;
                return 0;
            }
        } else if (datagram.size > 0) {
            result = cg_ring__answer(reader, &datagram);
            if (result < 0)
                return result;
        } else {
            /* What a writer that has ended published and could not announce, since the socket was full. */
            if (reader->ring != NULL &&
                cg_ring__count(reader, cg_ring__newest(reader->ring) >> CG_RING_NEWEST_SLOT_BITS))
                reader->counts.behind++;
            cg_ring__retire(reader);
            reader->fresh_connection = 1;
        }
    }
    if (result == -EAGAIN)
        reader->drained = 1;
    return result;
}

/* Lay out the planes of a format; return how many, 0: the format is unknown. */
static inline uint32_t cg_ring__planes(uint32_t format, uint32_t width, uint32_t height,
                                       cg_ring_plane *planes) {
    const uint32_t half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    uint32_t i, chroma = 0, count;
    memset(planes, 0, 4 * sizeof *planes);
    planes[0].channels = 1;
    switch (format) {
    case CG_RING_YUV420P:
        count = 3;
        chroma = 1;
        break;
    case CG_RING_NV12:
        count = 2;
        chroma = 2;
        break;
    case CG_RING_BGR24:
    case CG_RING_RGB24:
        count = 1;
        planes[0].channels = 3;
        break;
    case CG_RING_BGRA:
        count = 1;
        planes[0].channels = 4;
        break;
    case CG_RING_GRAY8:
    case CG_RING_BYTES:
    case CG_RING_NAL:
    case CG_RING_FMP4:
        count = 1;
        break;
    default:
        return 0;
    }
    planes[0].width = width;
    planes[0].height = height;
    for (i = 1; i < count; i++) {
        planes[i].width = half_width;
        planes[i].height = half_height;
        planes[i].channels = chroma;
    }
    return count;
}

static inline int cg_ring__fill(cg_ring_reader *reader, cg_ring__memory *ring, uint32_t slot,
                                const cg_ring_slot_header *header, cg_ring_frame *frame) {
    const uint8_t *payload =
        ring->address + ring->header.payload_offset + (uint64_t)slot * ring->header.slot_stride;
    const uint64_t capacity = ring->header.capacity;
    uint32_t i, planes = cg_ring__planes(header->pixel_format, header->width, header->height, frame->plane);
    if (planes == 0)
        return cg_ring__fail(reader, EPROTO, "pixel format code %u is unknown to this version",
                             (unsigned)header->pixel_format);
    if (header->planes != planes || header->length > capacity)
        return cg_ring__fail(reader, EPROTO, "a frame's header contradicts its format");
    for (i = 0; i < planes; i++) {
        cg_ring_plane *plane = &frame->plane[i];
        const uint64_t row_bytes = (uint64_t)plane->width * plane->channels;
        plane->stride = header->plane_stride[i];
        plane->data = payload + header->plane_offset[i];
        if (plane->width == 0 || plane->height == 0 || plane->stride < row_bytes ||
            header->plane_offset[i] > capacity ||
            (uint64_t)plane->stride * (plane->height - 1) + row_bytes > capacity - header->plane_offset[i])
            return cg_ring__fail(reader, EPROTO, "a plane of a frame lies outside its slot");
    }
    frame->seq = header->seq;
    frame->epoch = header->epoch;
    frame->generation = ring->header.generation;
    frame->flags = header->flags;
    frame->tag = header->tag;
    frame->codec_generation = header->codec_generation;
    frame->pts = header->pts;
    frame->capture_ns = header->capture_ns;
    frame->arrival_ns = header->arrival_ns;
    frame->publish_ns = header->publish_ns;
    frame->capture_quality = header->capture_quality;
    frame->time_base_num = header->time_base_num;
    frame->time_base_den = header->time_base_den;
    frame->aspect_num = header->aspect_num;
    frame->aspect_den = header->aspect_den;
    frame->colour_matrix = header->colour_matrix;
    frame->colour_range = header->colour_range;
    frame->pixel_format = header->pixel_format;
    frame->width = header->width;
    frame->height = header->height;
    frame->planes = planes;
    frame->data = payload;
    frame->length = header->length;
    frame->slot_ = slot;
    return 0;
}

/* Lease frame `seq` in `slot`: 1; 0: it has been overwritten, or is being. */
static inline int cg_ring__lease(cg_ring_reader *reader, uint32_t slot, uint64_t seq, cg_ring_frame *frame) {
    cg_ring__memory *ring = reader->ring;
    cg_ring_slot_header header;
    uint64_t at;
    int result;
    /* Locks of one description never conflict: what is held must not be locked again, nor unlocked. */
    if (slot >= ring->header.slots || __atomic_load_n(&ring->held[slot], __ATOMIC_ACQUIRE))
        return 0;
    at = (uint64_t)slot * ring->header.lock_stride + ring->reader_id;
    result = cg_ring__lock(ring->lock_descriptor, F_RDLCK, at);
    if (result == -EAGAIN || result == -EACCES)
        return 0;
    if (result < 0)
        return cg_ring__fail(reader, -result, "a slot of the ring can't be locked: %s", strerror(-result));
    memcpy(&header,
           ring->address + ring->header.slot_header_offset + (uint64_t)slot * ring->header.slot_header_bytes,
           sizeof header);
    result = header.seq == seq ? cg_ring__fill(reader, ring, slot, &header, frame) : 0;
    if (header.seq != seq || result < 0) {
        (void)cg_ring__lock(ring->lock_descriptor, F_UNLCK, at);
        return result;
    }
    __atomic_store_n(&ring->held[slot], (unsigned char)1, __ATOMIC_RELEASE);
    (void)__atomic_add_fetch(&ring->references, 1, __ATOMIC_ACQ_REL);
    frame->ring_ = ring;
    reader->counts.received++;
    return 1;
}

static inline int cg_ring__take(cg_ring_reader *reader, uint32_t slot, uint64_t seq, cg_ring_frame *frame) {
    int result = cg_ring__lease(reader, slot, seq, frame);
    reader->counts.late += result == 0;
    return result;
}

/* Take the next frame up to `upto` that the ring still holds, though its notice is missing: 1; 0: none. */
static inline int cg_ring__unannounced(cg_ring_reader *reader, uint64_t upto, cg_ring_frame *frame) {
    const cg_ring__memory *ring = reader->ring;
    const uint64_t touched = cg_ring__word(ring, CG_RING_TOUCHED_OFFSET);
    const uint64_t slots = touched < ring->header.slots ? touched : ring->header.slots;
    uint64_t after = reader->seq;
    while (after < upto) {
        uint64_t slot, best_slot = 0, best_seq = 0;
        int result;
        for (slot = 0; slot < slots; slot++) {
            const uint64_t at = ring->header.slot_header_offset + slot * ring->header.slot_header_bytes;
            const uint64_t seq = cg_ring__word(ring, at);
            if (seq > after && seq <= upto && (best_seq == 0 || seq < best_seq)) {
                best_slot = slot;
                best_seq = seq;
            }
        }
        if (best_seq == 0)
            return 0;
        result = cg_ring__lease(reader, (uint32_t)best_slot, best_seq, frame);
        if (result > 0)
            cg_ring__count(reader, best_seq);
        if (result != 0)
            return result;
        after = best_seq;
    }
    return 0;
}

static inline int cg_ring__next(cg_ring_reader *reader, cg_ring_frame *frame) {
    uint64_t ring, hinted;
    int result, waiting;
    do {
        cg_ring_notice notice;
        /* First of all: when no notice is left, those of all frames up to this one were sent or dropped. */
        ring = reader->adopted;
        hinted = reader->ring == NULL ? 0 : cg_ring__newest(reader->ring) >> CG_RING_NEWEST_SLOT_BITS;
        while ((waiting = cg_ring__notice(reader, &notice)) == 0) {
            if (notice.seq == reader->seq + 1) {
                reader->seq = notice.seq;
                result = cg_ring__take(reader, notice.slot, notice.seq, frame);
            } else {
                result = cg_ring__unannounced(reader, notice.seq, frame);
                if (result == 0)
                    reader->counts.late += (uint64_t)cg_ring__count(reader, notice.seq);
            }
            if (result != 0)
                return result < 0 ? result : 0;
        }
        if (waiting != -EAGAIN)
            return waiting;
    } while (ring != reader->adopted);
    if (reader->ring == NULL)
        return -EAGAIN;
    result = cg_ring__unannounced(reader, hinted, frame);
    if (result == 0)
        reader->counts.behind += (uint64_t)cg_ring__count(reader, hinted);
    return result < 0 ? result : result > 0 ? 0 : -EAGAIN;
}

static inline int cg_ring__latest(cg_ring_reader *reader, cg_ring_frame *frame) {
    const uint64_t slot_mask = ((uint64_t)1 << CG_RING_NEWEST_SLOT_BITS) - 1;
    for (;;) {
        /* Rings are told apart by number: a new one may lie at the address of one that has gone. */
        uint64_t best_ring = reader->adopted, best_seq = 0, hint, hint_ring;
        uint32_t best_slot = 0;
        int result;
        for (;;) {
            cg_ring_notice notice;
            /* The hint comes first: what the socket holds afterwards tells of every frame before it, so
             * that those it does not tell of are known to be behind. */
            hint_ring = reader->adopted;
            hint = reader->ring == NULL ? 0 : cg_ring__newest(reader->ring);
            result = cg_ring__notice(reader, &notice);
            if (result < 0)
                break;
            if (cg_ring__count(reader, notice.seq)) {
                reader->counts.skipped += best_seq > 0;
                best_ring = reader->adopted;
                best_slot = notice.slot;
                best_seq = notice.seq;
                if (hint_ring == reader->adopted && best_seq >= hint >> CG_RING_NEWEST_SLOT_BITS)
                    break;
            }
        }
        if (result < 0 && result != -EAGAIN)
            return result;
        if (reader->ring != NULL && hint_ring == reader->adopted &&
            cg_ring__count(reader, hint >> CG_RING_NEWEST_SLOT_BITS)) {
            reader->counts.skipped += best_seq > 0;
            best_ring = reader->adopted;
            best_slot = (uint32_t)(hint & slot_mask);
            best_seq = hint >> CG_RING_NEWEST_SLOT_BITS;
        }
        if (best_seq == 0)
            return -EAGAIN;
        if (reader->ring == NULL || best_ring != reader->adopted) {
            reader->counts.late++;
            continue;
        }
        result = cg_ring__take(reader, best_slot, best_seq, frame);
        if (result != 0)
            return result < 0 ? result : 0;
    }
}

/* ---- what you use */

/* Return a request for the newest frames of a stream, whole, as the camera sends them, 3 held at a time. */
static inline cg_ring_request cg_ring_request_for(const char *stream) {
    cg_ring_request request;
    memset(&request, 0, sizeof request);
    request.stream = stream;
    request.policy = CG_RING_LATEST;
    request.leases = 3;
    return request;
}

/* Write the greeting of a reader; return its bytes, 0: the name of the stream is empty or too long. */
static inline size_t cg_ring__greet(const cg_ring_request *request, unsigned char *greeting) {
    cg_ring_hello hello;
    const size_t name_bytes = strlen(request->stream);
    if (name_bytes == 0 || name_bytes > CG_RING_MAX_DATAGRAM_BYTES - sizeof hello)
        return 0;
    memset(&hello, 0, sizeof hello);
    hello.kind = CG_RING_HELLO;
    hello.version = CG_RING_PROTOCOL_VERSION;
    hello.leases = request->leases;
    hello.format = request->format;
    hello.width = request->width;
    hello.height = request->height;
    hello.fps = request->fps;
    memcpy(hello.roi, request->roi, sizeof hello.roi);
    hello.name_bytes = (uint32_t)name_bytes;
    memcpy(greeting, &hello, sizeof hello);
    memcpy(greeting + sizeof hello, request->stream, name_bytes);
    return sizeof hello + name_bytes;
}

/* Connect to a site of this user by its name, and ask for frames, without waiting for the answer.
 *
 * On failure `cg_ring_error` tells why, and closing is not needed, but does no harm. */
static inline int cg_ring_open(cg_ring_reader *reader, const char *site, const cg_ring_request *request) {
    int length, result;
    memset(reader, 0, sizeof *reader);
    reader->epoll = reader->socket = reader->alarm = -1;
    reader->owner = getpid();
    reader->latest = request->policy == CG_RING_LATEST;
    reader->fresh_connection = 1;
    reader->failure = -EBADF;
    if (request->policy > CG_RING_EVERY)
        return cg_ring__fail(reader, EINVAL, "policy %u is unknown; choose CG_RING_LATEST or CG_RING_EVERY",
                             (unsigned)request->policy);
    reader->greeting_bytes = cg_ring__greet(request, reader->greeting);
    if (reader->greeting_bytes == 0)
        return cg_ring__fail(reader, EINVAL, "the name of the stream is empty or too long");
    reader->address.sun_family = AF_UNIX;
    length = snprintf(reader->address.sun_path + 1, sizeof reader->address.sun_path - 1, "camgraph-%u-%s",
                      (unsigned)getuid(), site);
    if (length < 0 || (size_t)length >= sizeof reader->address.sun_path - 1)
        return cg_ring__fail(reader, ENAMETOOLONG, "the name of the site is too long");
    reader->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    reader->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (reader->epoll < 0)
        return cg_ring__fail(reader, errno, "a descriptor to select on can't be made: %s", strerror(errno));
    result = cg_ring__replace(reader);
    reader->counts.reconnects = 0;
    if (result < 0) {
        (void)close(reader->epoll);
        reader->epoll = -1;
        return result;
    }
    reader->failure = 0;
    return 0;
}

/* Return a descriptor to select on, the same for the reader's whole life (-1: closed).
 *
 * When it is readable, call `cg_ring_read_nowait` until that returns -EAGAIN. A thread that another one must
 * be able to wake waits for it in `poll`, beside an eventfd; examples/native_thread.cpp does. */
static inline int cg_ring_descriptor(const cg_ring_reader *reader) { return reader->epoll; }

/* Take the next frame, if there is one now. Never waits, but for a site that is slow to accept when the
 * reader connects again: 2 s at most. On failure the frame is empty; releasing it does nothing. */
static inline int cg_ring_read_nowait(cg_ring_reader *reader, cg_ring_frame *frame) {
    cg_ring__memory *ring = reader->ring;
    int result;
    memset(frame, 0, sizeof *frame);
    if (reader->failure < 0)
        return reader->failure;
    if (reader->owner != getpid())
        return cg_ring__fail(reader, ECHILD,
                             "the reader belongs to the process that this one was forked from");
    if (reader->retired != NULL)
        cg_ring__reap(reader);
    if (ring != NULL && cg_ring__held(ring) >= ring->limit)
        return cg_ring__fail(reader, ENOBUFS,
                             "%u frames are held, as many as were granted: release one, or ask for more "
                             "leases",
                             (unsigned)cg_ring__held(ring));
    if (ring != NULL && reader->drained) {
        /* What has come since is most often the one next frame. The hint says which without a system call;
         * its notice is received, and passed over, when there is time. */
        const uint64_t hint = cg_ring__newest(ring), seq = hint >> CG_RING_NEWEST_SLOT_BITS;
        if (seq == reader->seq + 1) {
            const uint64_t slot_mask = ((uint64_t)1 << CG_RING_NEWEST_SLOT_BITS) - 1;
            result = cg_ring__lease(reader, (uint32_t)(hint & slot_mask), seq, frame);
            if (result > 0) {
                reader->drained = 0;
                reader->seq = seq;
                return 0;
            }
            if (result < 0)
                return reader->failure = result;
        }
    }
    result = reader->latest ? cg_ring__latest(reader, frame) : cg_ring__next(reader, frame);
    if (result == -EAGAIN)
        return cg_ring__fail(reader, EAGAIN, "there is no frame now");
    if (result < 0)
        reader->failure = result;
    return result;
}

/* Take the next frame, waiting for it `timeout_ms` at most; else as `cg_ring_read_nowait`. */
static inline int cg_ring_read(cg_ring_reader *reader, cg_ring_frame *frame, int timeout_ms) {
    const int64_t deadline = cg_ring__now_ms() + timeout_ms;
    int result = cg_ring_read_nowait(reader, frame);
    while (result == -EAGAIN) {
        const int64_t remaining_ms = deadline - cg_ring__now_ms();
        struct epoll_event event;
        if (remaining_ms <= 0)
            return cg_ring__fail(reader, ETIMEDOUT, "no frame came within %d ms", timeout_ms);
        if (epoll_wait(reader->epoll, &event, 1, (int)remaining_ms) < 0)
            return cg_ring__fail(reader, errno, "waiting for a frame: %s", strerror(errno));
        result = cg_ring_read_nowait(reader, frame);
    }
    return result;
}

/* End the lease: the frame's planes must not be looked at any more. Releasing twice does nothing. */
static inline void cg_ring_release(cg_ring_frame *frame) {
    cg_ring__memory *ring = frame->ring_;
    if (ring != NULL) {
        /* In a forked child it would end the parent's lease. */
        if (ring->owner == getpid())
            (void)cg_ring__lock(ring->lock_descriptor, F_UNLCK,
                                (uint64_t)frame->slot_ * ring->header.lock_stride + ring->reader_id);
        /* Afterwards: a reader must not lock again what is about to be unlocked. */
        __atomic_store_n(&ring->held[frame->slot_], (unsigned char)0, __ATOMIC_RELEASE);
        cg_ring__drop(ring);
    }
    memset(frame, 0, sizeof *frame);
}

/* Return the counts so far. */
static inline cg_ring_statistics cg_ring_statistics_of(cg_ring_reader *reader) {
    cg_ring_statistics statistics = reader->counts;
    const cg_ring__memory *ring;
    statistics.held = reader->ring == NULL ? 0 : cg_ring__held(reader->ring);
    for (ring = reader->retired; ring != NULL; ring = ring->next)
        statistics.held += cg_ring__held(ring);
    return statistics;
}

/* Return what went wrong last, in a sentence of UTF-8; valid until the next call with this reader. */
static inline const char *cg_ring_error(const cg_ring_reader *reader) { return reader->error; }

/* Let the connection go. Frames stay valid until they are released. Closing twice does nothing. */
static inline void cg_ring_close(cg_ring_reader *reader) {
    cg_ring__drop_socket(reader);
    if (reader->alarm >= 0)
        (void)close(reader->alarm);
    if (reader->epoll >= 0)
        (void)close(reader->epoll);
    reader->alarm = reader->epoll = -1;
    if (reader->ring != NULL)
        cg_ring__drop(reader->ring);
    reader->ring = NULL;
    while (reader->retired != NULL) {
        cg_ring__memory *ring = reader->retired;
        reader->retired = ring->next;
        cg_ring__drop(ring);
    }
    if (reader->failure == 0)
        reader->failure = cg_ring__fail(reader, EBADF, "the reader is closed");
}

#ifdef __cplusplus
}
#endif

#endif
