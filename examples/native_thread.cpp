/* A thread of C++ in a Python program: it tells a function how bright the frames of a running site are. The
 * function is Python's, by ctypes: see native_thread.py, which compiles this at its start:
 *
 *   c++ -std=c++17 -O2 -pthread -fPIC -shared native_thread.cpp -o native_thread.so -I…/camgraph/ring/include
 */
#include "camgraph_ring.h" // first: it wants more of the system's headers than they give by themselves

#include <atomic>
#include <csignal>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>

/* Called in the thread: for a frame (error: null), or when there are none any more (error: why). It may take
 * its time, to wait for Python's GIL say: no frame is held meanwhile, and the next one will be the newest. */
using Callback = void (*)(void *user, uint64_t epoch, uint64_t seq, double brightness, const char *error);

static double brightness_of(const cg_ring_plane &grey) {
    uint64_t sum = 0;
    for (uint32_t y = 0; y < grey.height; y++)
        for (uint32_t x = 0; x < grey.width; x++)
            sum += grey.data[y * size_t(grey.stride) + x];
    return double(sum) / (double(grey.width) * grey.height);
}

/* Once set, it stays readable. */
struct Event {
    const int descriptor = eventfd(0, EFD_CLOEXEC);
    Event() {
        if (descriptor < 0)
            throw std::system_error(errno, std::generic_category());
    }
    ~Event() { close(descriptor); }
};

class Analyser {
  public:
    Analyser(const char *site, const char *stream, uint32_t width, uint32_t height, Callback call, void *user)
        : site_(site), stream_(stream), width_(width), height_(height), call_(call), user_(user),
          thread_(&Analyser::run, this) {}
    ~Analyser() { thread_.join(); }
    void stop() { eventfd_write(stop_.descriptor, 1); }
    bool is_this_thread() const { return thread_.get_id() == std::this_thread::get_id(); }
    std::atomic<uint64_t> received{0}, skipped{0}, lost{0};

  private:
    /* Wait for a descriptor, or for the time alone; tell whether the thread is to end. */
    bool stopped(int timeout_ms, int descriptor = -1) const {
        pollfd awaited[] = {{stop_.descriptor, POLLIN, 0}, {descriptor, POLLIN, 0}};
        return poll(awaited, 2, timeout_ms) > 0 && awaited[0].revents != 0;
    }
    void count(const cg_ring_statistics &now, const cg_ring_statistics &before) {
        received += now.received - before.received;
        skipped += now.skipped - before.skipped;
        lost += now.late + now.behind - before.late - before.behind;
    }
    /* Read until there is nothing more to be had; return why, 0: the thread is to end. */
    int read(cg_ring_reader &reader) {
        cg_ring_request request = cg_ring_request_for(stream_.c_str());
        request.format = CG_RING_GRAY8;
        request.width = width_, request.height = height_;
        cg_ring_statistics counted{};
        int result = cg_ring_open(&reader, site_.c_str(), &request);
        while (result == 0 || result == -EAGAIN) {
            if (stopped(result == 0 ? 0 : -1, cg_ring_descriptor(&reader)))
                return 0;
            cg_ring_frame frame;
            result = cg_ring_read_nowait(&reader, &frame);
            count(cg_ring_statistics_of(&reader), counted);
            counted = cg_ring_statistics_of(&reader);
            if (result == 0) {
                const uint64_t epoch = frame.epoch, seq = frame.seq;
                const double brightness = brightness_of(frame.plane[0]);
                cg_ring_release(&frame);
                call_(user_, epoch, seq, brightness, nullptr);
            }
        }
        return result;
    }
    void run() {
        pthread_setname_np(pthread_self(), "brightness");
        cg_ring_reader reader;
        int result;
        do { // a site that has died may come again, by this name
            result = read(reader);
            if (result != 0)
                call_(user_, 0, 0, 0, cg_ring_error(&reader));
            cg_ring_close(&reader);
        } while (result == -ECONNREFUSED && !stopped(500));
    }
    const std::string site_, stream_;
    const uint32_t width_, height_;
    const Callback call_;
    void *const user_;
    Event stop_;
    std::thread thread_; // last: it uses all of the above
};

extern "C" {
/* Start a thread; null: the system gave none. Width and height in px. */
Analyser *analyser_start(const char *site, const char *stream, uint32_t width, uint32_t height, Callback call,
                         void *user) {
    Analyser *made = nullptr;
    sigset_t held_back, before; // of the thread: Python must hear of Ctrl-C in one of its own
    sigfillset(&held_back);
    for (int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        sigdelset(&held_back, crash);
    pthread_sigmask(SIG_SETMASK, &held_back, &before);
    try {
        made = new Analyser(site, stream, width, height, call, user);
    } catch (const std::exception &) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return made;
}

/* Have it end. Never waits; may be called in any thread, in the callback too. */
void analyser_stop(Analyser *analyser) { analyser->stop(); }

/* Wait for its end and let it go; no callback comes any more. Must be called without Python's GIL, for which
 * the callback may wait: by ctypes.CDLL, not PyDLL. -EDEADLK: the callback can't wait for its own end. */
int analyser_join(Analyser *analyser) {
    if (analyser->is_this_thread())
        return -EDEADLK;
    delete analyser;
    return 0;
}

/* Tell how many frames it received, passed over for newer ones, and lost. */
void analyser_statistics(const Analyser *analyser, uint64_t *counts) {
    counts[0] = analyser->received, counts[1] = analyser->skipped, counts[2] = analyser->lost;
}
}
