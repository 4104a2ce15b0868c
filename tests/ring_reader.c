/* Reads frames of a site and tells of each on a line; C11, and C++17.
 *
 * ring_reader SITE STREAM latest|every FORMAT LEASES KEEP
 *
 * KEEP frames are held before the oldest is released. "fork" on standard input has a child try to read, and
 * let go of everything; anything else, and its end, end the program. Its last words: its counts, what went
 * wrong, and what is left of descriptors and mappings, and how many frames changed while held. */
#include "camgraph_ring.h"

#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>

static int open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count;
}

static int ring_mappings(void) {
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;
    if (maps == NULL)
        return -1;
    while (fgets(line, sizeof line, maps) != NULL)
        count += strstr(line, "memfd:") != NULL;
    (void)fclose(maps);
    return count;
}

/* As zlib does. */
static uint32_t adler32(const uint8_t *data, uint64_t length) {
    uint64_t a = 1, b = 0, i;
    for (i = 0; i < length; i++) {
        a += data[i];
        b += a;
        if (i % 4096 == 4095) {
            a %= 65521;
            b %= 65521;
        }
    }
    return (uint32_t)(b % 65521 << 16 | a % 65521);
}

static uint32_t checksum_of(const cg_ring_frame *frame) { return adler32(frame->data, frame->length); }

static void tell(const cg_ring_frame *frame) {
    printf("frame %llu %llu %u %lld %u %u %u %u %u\n", (unsigned long long)frame->seq,
           (unsigned long long)frame->epoch, (unsigned)frame->generation, (long long)frame->pts,
           (unsigned)frame->pixel_format, (unsigned)frame->width, (unsigned)frame->height,
           (unsigned)frame->planes, (unsigned)checksum_of(frame));
}

static void count(cg_ring_reader *reader) {
    const cg_ring_statistics s = cg_ring_statistics_of(reader);
    printf("count %llu %llu %llu %llu %llu %llu\n", (unsigned long long)s.received,
           (unsigned long long)s.late, (unsigned long long)s.behind, (unsigned long long)s.skipped,
           (unsigned long long)s.reconnects, (unsigned long long)s.held);
}

/* Tell what reading came to in a forked child, which then lets go of all that is its parent's. */
static void in_child(cg_ring_reader *reader, cg_ring_frame *frames, int kept) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        cg_ring_frame frame;
        const int result = cg_ring_read(reader, &frame, 1000);
        while (kept > 0)
            cg_ring_release(&frames[--kept]);
        cg_ring_close(reader);
        _exit(ring_mappings() == 0 ? -result : 1);
    }
    if (child > 0)
        (void)waitpid(child, &status, 0);
    printf("forked %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int main(int argc, char **argv) {
    enum { MOST = 64 };
    const int before = open_descriptors();
    int result = 0, kept = 0, keep, changed = 0, i;
    uint32_t sums[MOST];
    cg_ring_frame frames[MOST];
    cg_ring_reader reader;
    cg_ring_request request;
    if (argc != 7)
        return 2;
    request = cg_ring_request_for(argv[2]);
    request.policy = strcmp(argv[3], "every") == 0 ? CG_RING_EVERY : CG_RING_LATEST;
    request.format = (uint32_t)atoi(argv[4]);
    request.leases = (uint32_t)atoi(argv[5]);
    keep = atoi(argv[6]);
    memset(frames, 0, sizeof frames);
    setvbuf(stdout, NULL, _IOLBF, 0);
    result = cg_ring_open(&reader, argv[1], &request);
    while (result == 0) {
        struct pollfd ready[2];
        char words[64];
        ready[0].fd = STDIN_FILENO;
        ready[1].fd = cg_ring_descriptor(&reader);
        ready[0].events = ready[1].events = POLLIN;
        ready[0].revents = ready[1].revents = 0;
        (void)poll(ready, 2, 10000);
        if (ready[0].revents != 0) {
            const ssize_t size = read(STDIN_FILENO, words, sizeof words - 1);
            words[size < 0 ? 0 : size] = 0;
            if (strncmp(words, "fork", 4) != 0)
                break;
            in_child(&reader, frames, kept);
        }
        while (kept < MOST && (result = cg_ring_read_nowait(&reader, &frames[kept])) == 0) {
            tell(&frames[kept]);
            sums[kept] = checksum_of(&frames[kept]);
            if (++kept > keep) {
                changed += sums[0] != checksum_of(&frames[0]);
                cg_ring_release(&frames[0]);
                cg_ring_release(&frames[0]);
                for (i = 1; i < kept; i++) {
                    frames[i - 1] = frames[i];
                    sums[i - 1] = sums[i];
                }
                kept--;
            }
        }
        if (result == -EAGAIN)
            result = 0;
    }
    count(&reader);
    if (result < 0)
        printf("error %d %s\n", -result, cg_ring_error(&reader));
    cg_ring_close(&reader);
    cg_ring_close(&reader);
    for (i = 0; i < kept; i++) {
        changed += sums[i] != checksum_of(&frames[i]);
        cg_ring_release(&frames[i]);
    }
    printf("left %d %d %d\n", open_descriptors() - before, ring_mappings(), changed);
    return 0;
}
