/* Joins a running site by name, without Python and Qt: a thread per stream tells how much moves there, of all
 * frames; until Ctrl-C. A site: `python examples/headless.py --name house URL URL`. Compile and start:
 *
 *   c++ -std=c++17 -O2 -pthread examples/analyse.cpp -o analyse \
 *       -I"$(python -c 'import camgraph.ring as ring; print(*ring.__path__)')/include"
 *   ./analyse house camera-1 camera-2 --seconds 60
 */
#include "camgraph_ring.h" // first: it wants more of the system's headers than they give by themselves

#include <atomic>
#include <csignal>
#include <deque>
#include <string>
#include <thread>

static std::atomic<bool> ending{false};

static double seconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

struct Stream {
    std::string name;
    cg_ring_statistics counts{};
    double change = 0, cpu_s = 0;
    std::thread thread{};
    void tell() const {
        const uint64_t lost = counts.late + counts.behind + counts.skipped;
        printf("%s: received %ju, lost %ju, epoch %ju, change %.2f, CPU %.3f s\n", name.c_str(),
               uintmax_t(counts.received), uintmax_t(lost), uintmax_t(counts.epoch), change, cpu_s);
    }
};

/* Return the mean absolute difference of two grey pictures of the same size. */
static double difference(const cg_ring_plane &one, const cg_ring_plane &other) {
    uint64_t sum = 0;
    for (uint32_t y = 0; y < one.height; y++)
        for (uint32_t x = 0; x < one.width; x++)
            sum += uint64_t(abs(one.data[y * one.stride + x] - other.data[y * other.stride + x]));
    return double(sum) / (double(one.width) * one.height);
}

static void analyse(const char *site, Stream &stream) {
    cg_ring_request request = cg_ring_request_for(stream.name.c_str());
    request.policy = CG_RING_EVERY;
    request.format = CG_RING_GRAY8;
    request.width = 320, request.height = 180;
    cg_ring_reader reader;
    cg_ring_frame frame{}, previous{}; // held, not copied: two of the three that a reader may hold
    double next_line = seconds_of(CLOCK_MONOTONIC) + 1;
    int result = cg_ring_open(&reader, site, &request);
    while (!ending && (result == 0 || result == -ETIMEDOUT || result == -EINTR)) {
        result = cg_ring_read(&reader, &frame, 200);
        if (result == 0) {
            stream.change = previous.data == nullptr ? 0 : difference(frame.plane[0], previous.plane[0]);
            cg_ring_release(&previous);
            previous = frame; // the one copy that will be released
        }
        stream.counts = cg_ring_statistics_of(&reader);
        stream.cpu_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        for (; seconds_of(CLOCK_MONOTONIC) >= next_line; next_line++)
            stream.tell();
    }
    if (!ending.exchange(true)) { // the first to fail tells why, and has main end it all
        fprintf(stderr, "%s: %s\n", stream.name.c_str(), cg_ring_error(&reader));
        kill(getpid(), SIGINT);
    }
    cg_ring_release(&previous);
    cg_ring_close(&reader);
}

int main(int count, char **words) {
    std::deque<Stream> streams;
    timespec limit{1000000000, 0};
    for (int i = 2; i < count; i++)
        if (words[i] == std::string("--seconds"))
            limit.tv_sec = ++i < count ? atol(words[i]) : 0;
        else
            streams.emplace_back().name = words[i];
    if (streams.empty() || limit.tv_sec <= 0)
        return fprintf(stderr, "usage: analyse SITE STREAM... [--seconds SECONDS]\n"), 2;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    sigset_t ends; // in no thread: main waits for it
    sigemptyset(&ends), sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    for (Stream &stream : streams)
        stream.thread = std::thread(analyse, words[1], std::ref(stream));
    while (sigtimedwait(&ends, nullptr, &limit) < 0 && errno == EINTR) {} // stopped and continued
    const bool failed = ending.exchange(true);
    for (Stream &stream : streams)
        stream.thread.join();
    if (failed)
        return 1;
    for (const Stream &stream : streams)
        stream.tell();
    printf("CPU of all: %.3f s\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID));
}
