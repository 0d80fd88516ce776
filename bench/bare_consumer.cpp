// The consumer as bare libzmq would do it: the ceiling that blocky-consumer is measured against.
//
// ROUTER; keeps the routing id of each message, adds the values, and answers all when
// the batch closes: at --items messages, --linger microseconds after its first one, or every --tick
// microseconds; with --receipt each message at once. No JSON parser, no log, no ids, no limits.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bare.hpp"

namespace {

using bare::must;
using bare::now_ns;

struct Options {
    std::string bind;
    std::string counter;      // file that the progress is published in
    std::size_t items = ~0U;  // a batch closes at so many messages
    int linger_us = 0;        // or so long after its first message
    int tick_us = 0;          // or at a fixed rate
    bool on_receipt = false;  // every message is answered at once
    bool shared = false;      // all replies of a batch share one body
    int high_water_mark = 0;  // 0: as libzmq has it
};

Options parse(bare::Arguments arguments) {
    Options options;
    while (arguments.next()) {
        if (arguments.is("--bind")) {
            options.bind = arguments.text();
        } else if (arguments.is("--counter")) {
            options.counter = arguments.text();
        } else if (arguments.is("--items")) {
            options.items = static_cast<std::size_t>(arguments.number());
        } else if (arguments.is("--linger")) {
            options.linger_us = arguments.number();
        } else if (arguments.is("--tick")) {
            options.tick_us = arguments.number();
        } else if (arguments.is("--receipt")) {
            options.on_receipt = true;
        } else if (arguments.is("--shared")) {
            options.shared = true;
        } else if (arguments.is("--hwm")) {
            options.high_water_mark = arguments.number();
        } else {
            arguments.refuse();
        }
    }
    return options;
}

// What was answered, and when last, in a file that the driver maps: reading it costs us nothing.
class Counter {
public:
    explicit Counter(const std::string& path) {
        const int file = must(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "counter");
        must(ftruncate(file, sizeof(Page)), "counter");
        void* const memory =
            mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        must(memory == MAP_FAILED ? -1 : 0, "counter");
        close(file);
        page_ = static_cast<Page*>(memory);
    }

    // The version is odd while the two others do not belong together.
    void publish(std::uint64_t messages) {
        page_->version.fetch_add(1);
        page_->messages = messages;
        page_->at_ns = now_ns();
        page_->version.fetch_add(1);
    }

private:
    struct Page {
        std::atomic<std::uint64_t> version;
        std::atomic<std::uint64_t> messages;
        std::atomic<std::int64_t> at_ns;
    };
    Page* page_ = nullptr;
};

// The timerfd: once so long after the batch's first message, or at a fixed rate.
class Timer {
public:
    explicit Timer(const Options& options)
        : linger_us_(options.linger_us),
          used_(options.linger_us > 0 || options.tick_us > 0),
          descriptor_(must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timer")) {
        set(options.tick_us, options.tick_us);
    }

    int descriptor() const { return descriptor_; }
    bool used() const { return used_; }

    void batch_opened() {
        if (linger_us_ > 0) {
            set(linger_us_, 0);
        }
    }

    // Whether the batch is due. A linger that ran out for a batch which was full before says
    // nothing here: opening the next batch has set the timer anew.
    bool fired() const {
        std::uint64_t expirations = 0;
        return read(descriptor_, &expirations, sizeof expirations) > 0;
    }

private:
    void set(int first_us, int then_us) const {
        const itimerspec times{duration(then_us), duration(first_us)};
        must(timerfd_settime(descriptor_, 0, &times, nullptr), "timer");
    }

    static timespec duration(int us) { return {us / 1'000'000, us % 1'000'000 * 1000L}; }

    int linger_us_;
    bool used_;
    int descriptor_;
};

class Consumer {
public:
    Consumer(void* socket, const Options& options)
        : socket_(socket), options_(options), timer_(options), counter_(options.counter) {}

    [[noreturn]] void run() {
        std::array<zmq_pollitem_t, 2> items{
            {{socket_, 0, ZMQ_POLLIN, 0}, {nullptr, timer_.descriptor(), ZMQ_POLLIN, 0}}};
        for (;;) {
            while (receive()) {
                if (held_.size() >= options_.items || options_.on_receipt) {
                    release();
                }
            }
            counter_.publish(answered_);
            must(zmq_poll(items.data(), timer_.used() ? 2 : 1, -1), "poll");
            if (items[1].revents != 0 && timer_.fired() && !held_.empty()) {
                release();
            }
        }
    }

private:
    // One message: routing id, delimiter, body. False when there is none.
    bool receive() {
        zmq_msg_t id{};
        zmq_msg_init(&id);
        if (zmq_msg_recv(&id, socket_, ZMQ_DONTWAIT) < 0) {
            must(zmq_errno() == EAGAIN ? 0 : -1, "receive");
            return false;
        }
        zmq_msg_t frame{};
        zmq_msg_init(&frame);
        must(zmq_msg_recv(&frame, socket_, 0), "receive");
        must(zmq_msg_recv(&frame, socket_, 0), "receive");
        total_ += value_in(frame);
        zmq_msg_close(&frame);
        if (held_.empty()) {
            timer_.batch_opened();
        }
        held_.push_back(id);
        return true;
    }

    static long value_in(zmq_msg_t& body) {
        const std::string_view text(static_cast<const char*>(zmq_msg_data(&body)),
                                    zmq_msg_size(&body));
        constexpr std::string_view kMember = "\"value\":";
        const auto at = text.find(kMember);
        long value = 0;
        if (at != std::string_view::npos) {
            const char* const end = text.data() + text.size();
            std::from_chars(text.data() + at + kMember.size(), end, value);
        }
        return value;
    }

    void release() {
        ++batch_;
        std::array<char, 128> text{};
        const int length = std::snprintf(
            text.data(), text.size(), R"({"status":"ok","batch":%llu,"size":%zu,"result":%ld})",
            static_cast<unsigned long long>(batch_), held_.size(), total_);
        const std::string_view reply(text.data(), static_cast<std::size_t>(length));
        options_.shared ? send_shared(reply) : send_copies(reply);
        answered_ += held_.size();
        held_.clear();
        if (!options_.on_receipt) {
            counter_.publish(answered_);
        }
    }

    void send_copies(std::string_view reply) {
        for (auto& id : held_) {
            send_envelope(id);
            must(zmq_send(socket_, reply.data(), reply.size(), 0), "send");
        }
    }

    void send_shared(std::string_view reply) {
        zmq_msg_t body{};
        must(zmq_msg_init_size(&body, reply.size()), "reply");
        reply.copy(static_cast<char*>(zmq_msg_data(&body)), reply.size());
        for (auto& id : held_) {
            send_envelope(id);
            zmq_msg_t copy{};
            zmq_msg_init(&copy);
            must(zmq_msg_copy(&copy, &body), "reply");
            must(zmq_msg_send(&copy, socket_, 0), "send");
        }
        zmq_msg_close(&body);
    }

    // Moves the routing id as it came.
    void send_envelope(zmq_msg_t& id) {
        must(zmq_msg_send(&id, socket_, ZMQ_SNDMORE), "send");
        must(zmq_send(socket_, "", 0, ZMQ_SNDMORE), "send");
    }

    void* socket_;
    const Options& options_;
    Timer timer_;
    Counter counter_;
    std::vector<zmq_msg_t> held_;  // the routing ids of who waits
    long total_ = 0;
    std::uint64_t batch_ = 0;
    std::uint64_t answered_ = 0;
};

// As libzmq has it, but for the listen queue: a thousand producers connect at once.
void* bound_router(void* context, const Options& options) {
    void* const socket = zmq_socket(context, ZMQ_ROUTER);
    const int backlog = 4096;
    must(zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof backlog), "backlog");
    if (options.high_water_mark > 0) {
        const int mark = options.high_water_mark;
        must(zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark), "high-water mark");
        must(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark), "high-water mark");
    }
    must(zmq_bind(socket, options.bind.c_str()), "bind");
    return socket;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse(bare::Arguments(argc, argv));
    void* const context = zmq_ctx_new();
    Consumer consumer(bound_router(context, options), options);
    std::fprintf(stderr, "listening on %s\n", options.bind.c_str());
    consumer.run();
}
